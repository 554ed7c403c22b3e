#include "provider/libraries.h"

#include "common/secret.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

gboolean dm_provider_libraries_start(GError **error)
{
    json_set_alloc_funcs(malloc, dm_secret_release);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, dm_secret_release, dm_secret_resize, strdup, calloc) ==
        CURLE_OK)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "libcurl can't be initialised");
    return FALSE;
}

void dm_provider_libraries_stop(void)
{
    curl_global_cleanup();
}
