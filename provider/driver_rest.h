/*
 * The driver `rest`: version 1 of the gateway's own REST API (doc/provider-api.yaml), JSON over HTTPS with a TLS client
 * certificate. Calls as provider/provider.h says; a 401 leads to one new login, Retry-After to a pause in which all
 * calls but a running one answer DM_ERROR_TEMPORARY.
 */
#ifndef DEMAIL_PROVIDER_DRIVER_REST_H
#define DEMAIL_PROVIDER_DRIVER_REST_H

#include "provider/provider.h"

extern const DmProviderDriver dm_driver_rest;

#endif
