/* The gSOAP peer: `gsoap_server PORT OURS` answers Add and FullCountryInfoAllCountries on 127.0.0.1:PORT, a thread for
   each connection, kept alive. It learns the countries from OURS, our server's address, as a gSOAP client, so that both
   say the same; from then on it writes each answer out of its own structures. */
#include "soapH.h"
#include "Calculator.nsmap"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct _ci__FullCountryInfoAllCountriesResponse countries;

int __tempuri__Add(struct soap *soap, struct _tempuri__Add *add, struct _tempuri__AddResponse *response)
{
    (void)soap;
    /* xs:int has 32 bits and no overflow; C's own addition would be undefined there. */
    long long sum = (long long)add->intA + add->intB;
    if (sum < INT32_MIN || sum > INT32_MAX)
        return soap_sender_fault(soap, "the sum is no xs:int", NULL);
    response->AddResult = (int)sum;
    return SOAP_OK;
}

int __ci__FullCountryInfoAllCountries(struct soap *soap, struct _ci__FullCountryInfoAllCountries *request,
    struct _ci__FullCountryInfoAllCountriesResponse *response)
{
    (void)soap;
    (void)request;
    *response = countries;
    return SOAP_OK;
}

static void *serve(void *connection)
{
    struct soap *soap = connection;
    soap_serve(soap);
    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
    return NULL;
}

static void learn(const char *ours)
{
    /* Never freed: the answers point into it. */
    struct soap *soap = soap_new1(SOAP_C_UTFSTRING);
    struct _ci__FullCountryInfoAllCountries request;
    if (soap_call___ci__FullCountryInfoAllCountries(soap, ours, "", &request, &countries)) {
        soap_print_fault(soap, stderr);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fprintf(stderr, "gsoap_server PORT OURS\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    learn(argv[2]);
    struct soap *soap = soap_new1(SOAP_IO_KEEPALIVE | SOAP_C_UTFSTRING);
    soap->max_keep_alive = 0; /* no limit */
    soap->bind_flags = SO_REUSEADDR;
    if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", atoi(argv[1]), 100)))
        return soap_print_fault(soap, stderr), 1;
    while (soap_valid_socket(soap_accept(soap))) {
        pthread_t thread;
        if (!pthread_create(&thread, NULL, serve, soap_copy(soap)))
            pthread_detach(thread);
    }
    return soap_print_fault(soap, stderr), 1;
}
