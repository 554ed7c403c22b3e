/*
 * A libmilter filter that does nothing and asks for as little as libmilter allows: what any filter costs at least.
 *
 * usage: lean_filter SOCKET [header]   SOCKET as smfi_setconn() takes it; with "header" it takes sender, recipients and
 *                                      header as well, at once, and lets go of the message where the header ends
 */
#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static sfsistat on_negotiate(SMFICTX *context, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
                             unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
    (void)f0;
    (void)f1;
    (void)f2;
    (void)f3;
    /* *pf1 comes with SMFIP_NO* for every callback that is not there. */
    *pf1 |= SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR;
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

static sfsistat on_address(SMFICTX *context, char **arguments)
{
    (void)context;
    (void)arguments;
    return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
    (void)context;
    (void)name;
    (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat on_end_of_header(SMFICTX *context)
{
    (void)context;
    return SMFIS_ACCEPT;
}

static struct smfiDesc description = {
    .xxfi_name = (char *)"lean_filter",
    .xxfi_version = SMFI_VERSION,
    .xxfi_negotiate = on_negotiate,
};

int main(int argc, char **argv)
{
    bool header = argc == 3 && strcmp(argv[2], "header") == 0;

    if (argc != 2 && !header) {
        fputs("usage: lean_filter SOCKET [header]\n", stderr);
        return EX_USAGE;
    }
    if (header) {
        description.xxfi_envfrom = on_address;
        description.xxfi_envrcpt = on_address;
        description.xxfi_header = on_header;
        description.xxfi_eoh = on_end_of_header;
    }
    if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS)
        return EX_UNAVAILABLE;
    return smfi_main() == MI_SUCCESS ? EX_OK : EX_SOFTWARE;
}
