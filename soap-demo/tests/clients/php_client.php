<?php
// PHP's SoapClient makes the calls of calls.json: `php php_client.php BASE 1.1|1.2` prints a line for each.

ini_set('soap.wsdl_cache_enabled', '0');
[$base, $version] = array_slice($argv, 1);
$plan = json_decode(file_get_contents(__DIR__ . '/calls.json'), true);

/** The texts of an answer in document order, without empty ones. */
function leaves($value): array
{
    if (is_object($value)) {
        $value = get_object_vars($value);
    }
    if (is_array($value)) {
        return array_merge([], ...array_map('leaves', array_values($value)));
    }
    $text = is_bool($value) ? ($value ? 'true' : 'false') : (string) $value;
    return $text === '' ? [] : [$text];
}

function answer(SoapClient $client, array $call): string
{
    try {
        return implode('|', leaves($client->__soapCall($call['operation'], [(object) $call['arguments']])));
    } catch (SoapFault $fault) {
        $parts = explode(':', $fault->faultcode);
        $code = end($parts);
        $name = ['Sender' => 'Client', 'Receiver' => 'Server'][$code] ?? $code;
        return "FAULT $name: " . $fault->getMessage();
    }
}

$clients = [];
foreach ($plan['calls'] as $call) {
    $service = $call['service'];
    $clients[$service] ??= new SoapClient($base . $plan['paths'][$service] . '?wsdl', [
        'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
        'cache_wsdl' => WSDL_CACHE_NONE,
    ]);
    echo $call['name'], "\t", answer($clients[$service], $call), "\n";
}
