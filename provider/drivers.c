#include "provider/drivers.h"

#include "provider/driver_rest.h"

static const DmProviderDriver *const drivers[] = {&dm_driver_rest};

const DmProviderDriver *dm_provider_driver(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (g_str_equal(drivers[i]->name, name))
            return drivers[i];
    }
    return NULL;
}
