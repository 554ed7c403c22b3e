/*
 * Which drivers there are.
 */
#ifndef DEMAIL_PROVIDER_DRIVERS_H
#define DEMAIL_PROVIDER_DRIVERS_H

#include "provider/provider.h"

/* The driver of that name (`driver` in the configuration); NULL if there is none. */
const DmProviderDriver *dm_provider_driver(const char *name);

#endif
