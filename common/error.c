#include "common/error.h"

#include <sysexits.h>

G_DEFINE_QUARK(demail - error - quark, dm_error)

gboolean dm_error_is_temporary(const GError *error)
{
    if (error->domain != DM_ERROR)
        return TRUE;

    switch ((DmError)error->code) {
    case DM_ERROR_PERMANENT:
        return FALSE;
    case DM_ERROR_TEMPORARY:
    case DM_ERROR_CONFIG:
    case DM_ERROR_NOINPUT:
    case DM_ERROR_NOPERM:
    case DM_ERROR_UNAVAILABLE:
    case DM_ERROR_OS:
    case DM_ERROR_USAGE:
        return TRUE;
    }
    return TRUE;
}

int dm_error_exit_code(const GError *error)
{
    if (error->domain == G_OPTION_ERROR)
        return EX_USAGE;
    if (error->domain != DM_ERROR)
        return EX_SOFTWARE;

    switch ((DmError)error->code) {
    case DM_ERROR_TEMPORARY:
        return EX_TEMPFAIL;
    case DM_ERROR_PERMANENT:
        return EX_DATAERR;
    case DM_ERROR_CONFIG:
        return EX_CONFIG;
    case DM_ERROR_NOINPUT:
        return EX_NOINPUT;
    case DM_ERROR_NOPERM:
        return EX_NOPERM;
    case DM_ERROR_UNAVAILABLE:
        return EX_UNAVAILABLE;
    case DM_ERROR_OS:
        return EX_OSERR;
    case DM_ERROR_USAGE:
        return EX_USAGE;
    }
    return EX_SOFTWARE;
}
