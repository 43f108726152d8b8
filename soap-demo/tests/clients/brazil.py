"""Asks for Brazil's capital. All that this program knows of SOAP is the address of the contract."""

import sys

import zeep

client = zeep.Client(sys.argv[1] + "/websamples.countryinfo/CountryInfoService.wso?WSDL")
print(client.service.CapitalCity("BR"))

for language in client.service.FullCountryInfo("BR").Languages.tLanguage:
    print(language.sISOCode, language.sName)

try:
    client.service.NoSuchOperation()
except AttributeError as error:
    print(error)  # the contract says so; nothing was sent
