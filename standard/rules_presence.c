#include "standard/rules.h"

#include "common/demail.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *need; /* for N, B, M, I in this order: R required, O optional, F forbidden */
} Row;

/* PVD IO, table 1. */
static const Row rows[] = {
    {DM_FIELD_DISPATCH, "RFFF"},
    {DM_FIELD_RECEIPT, "RFFF"},
    {DM_FIELD_RETRIEVE, "RFFF"},
    {DM_FIELD_AUTHORITATIVE, "RFFF"},
    {DM_FIELD_PRIVATE, "ROFR"},
    {DM_FIELD_SENDER, "RRRR"},
    {DM_FIELD_CHOSEN_RECIPIENT, "RRRR"},
    {"Subject", "RRRR"},
    {DM_FIELD_PRIVATE_ID, "OOOF"},
    {"Reply-To", "OOOO"},
    {DM_FIELD_AUTH_LEVEL, "ROOO"},
    {DM_FIELD_AUTH_MECHANISM, "ROOO"},
    {"Date", "RRRR"},
    {DM_FIELD_MESSAGE_ID, "RRRR"},
    {DM_FIELD_PROVIDER, "RRRR"},
    {DM_FIELD_MESSAGE_TYPE, "RRRR"},
    {DM_FIELD_INTEGRITY, "RRRR"},
    {DM_FIELD_CERTIFICATE, "OROR"},
    {DM_FIELD_ACTUAL_RECIPIENT, "RRRR"},
    {"Resent-To", "OOOO"},
    {"Resent-From", "OOOO"},
    {"Resent-Date", "OOOO"},
    {"Resent-Message-ID", "OOOO"},
    {"Envelope-to", "OOOO"},
    {DM_FIELD_VERSION, "RRRR"},
    {DM_FIELD_ACCOUNT_HOLDER, "RFFF"},
    {DM_FIELD_NOTIFICATION, "FFRF"},
    {"From", "RRRR"},
    {"Message-ID", "RRRR"},
};

/* Table 26: fields that older versions did not have yet. */
static gboolean is_newer(const char *field, const char *version)
{
    if (strcmp(field, DM_FIELD_ACCOUNT_HOLDER) == 0)
        return strcmp(version, "1.0") == 0;
    if (strcmp(field, DM_FIELD_NOTIFICATION) == 0)
        return strcmp(version, "1.0") == 0 || strcmp(version, "1.1") == 0;
    return FALSE;
}

/* With an unknown class only what holds for all of them. */
static char need_of(const Row *row, DmMessageClass message_class)
{
    switch (message_class) {
    case DM_CLASS_UNKNOWN:
        return strcmp(row->need, "RRRR") == 0 ? 'R' : 'O';
    case DM_CLASS_NORMAL:
        return row->need[0];
    case DM_CLASS_CONFIRMATION:
        return row->need[1];
    case DM_CLASS_NOTIFICATION:
        return row->need[2];
    case DM_CLASS_IDENTIFICATION:
        return row->need[3];
    }
    return 'O';
}

void dm_rules_judge_presence(const DmHeaders *headers, DmMessageClass message_class, DmFindings *findings)
{
    g_autofree char *version = dm_rules_text(headers, DM_FIELD_VERSION);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char need = need_of(&rows[i], message_class);
        guint count = dm_headers_count(headers, rows[i].name);
        if (count == 0 && need == 'R' && (version == NULL || !is_newer(rows[i].name, version)))
            dm_findings_fail(findings, "header.missing");
        if (count > 0 && need == 'F')
            dm_findings_fail(findings, "header.forbidden");
        if (count > 1)
            dm_findings_warn(findings, "header.duplicate");
    }
}
