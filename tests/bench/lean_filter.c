/*
 * A libmilter filter that does nothing and asks for as little as libmilter allows: what any filter costs at least.
 *
 * usage: lean_filter SOCKET   as smfi_setconn() takes it
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <sysexits.h>

static sfsistat on_negotiate(SMFICTX *context, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
                             unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
    (void)f0;
    (void)f1;
    (void)f2;
    (void)f3;
    (void)pf1; /* comes with SMFIP_NO* for every callback, as there are none */
    /* Postfix looks up its default macros for every stage that is not named, whatever that costs. */
    for (int stage = SMFIM_FIRST; stage <= SMFIM_LAST; stage++) {
        if (smfi_setsymlist(context, stage, (char *)"{nothing}") != MI_SUCCESS)
            return SMFIS_REJECT;
    }
    *pf0 = 0;
    *pf2 = 0;
    *pf3 = 0;
    return SMFIS_CONTINUE;
}

static struct smfiDesc description = {
    .xxfi_name = (char *)"lean_filter",
    .xxfi_version = SMFI_VERSION,
    .xxfi_negotiate = on_negotiate,
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: lean_filter SOCKET\n", stderr);
        return EX_USAGE;
    }
    if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS)
        return EX_UNAVAILABLE;
    return smfi_main() == MI_SUCCESS ? EX_OK : EX_SOFTWARE;
}
