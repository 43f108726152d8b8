// What soapcpp2 makes the gSOAP peer of: the operations that are measured, as in our contracts.

//gsoap tempuri service name: Calculator
//gsoap tempuri service namespace: http://tempuri.org/
//gsoap tempuri schema namespace: http://tempuri.org/
//gsoap tempuri schema elementForm: qualified
//gsoap tempuri service method-style: Add document
//gsoap tempuri service method-encoding: Add literal
//gsoap tempuri service method-action: Add http://tempuri.org/Add
struct _tempuri__Add { int intA 1; int intB 1; };
struct _tempuri__AddResponse { int AddResult 1; };
int __tempuri__Add(struct _tempuri__Add *tempuri__Add, struct _tempuri__AddResponse *tempuri__AddResponse);

//gsoap ci service name: CountryInfoService
//gsoap ci service namespace: http://www.oorsprong.org/websamples.countryinfo
//gsoap ci schema namespace: http://www.oorsprong.org/websamples.countryinfo
//gsoap ci schema elementForm: qualified
//gsoap ci service method-style: FullCountryInfoAllCountries document
//gsoap ci service method-encoding: FullCountryInfoAllCountries literal
//gsoap ci service method-action: FullCountryInfoAllCountries ""
struct ci__tLanguage { char *sISOCode 1; char *sName 1; };
struct ci__ArrayOftLanguage { $int __sizetLanguage 0; struct ci__tLanguage *tLanguage 0; };
struct ci__tCountryInfo {
    char *sISOCode 1;
    char *sName 1;
    char *sCapitalCity 1;
    char *sPhoneCode 1;
    char *sContinentCode 1;
    char *sCurrencyISOCode 1;
    char *sCountryFlag 1;
    struct ci__ArrayOftLanguage *Languages 1;
};
struct ci__ArrayOftCountryInfo { $int __sizetCountryInfo 0; struct ci__tCountryInfo *tCountryInfo 0; };
struct _ci__FullCountryInfoAllCountries { };
struct _ci__FullCountryInfoAllCountriesResponse { struct ci__ArrayOftCountryInfo *FullCountryInfoAllCountriesResult 1; };
int __ci__FullCountryInfoAllCountries(struct _ci__FullCountryInfoAllCountries *ci__FullCountryInfoAllCountries,
    struct _ci__FullCountryInfoAllCountriesResponse *ci__FullCountryInfoAllCountriesResponse);
