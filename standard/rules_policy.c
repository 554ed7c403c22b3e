#include "standard/rules.h"

#include "common/demail.h"
#include "standard/demail_address.h"
#include "standard/mailbox.h"

#include <string.h>

#define TYPE_RETRIEVE "confirmation of retrieve"

typedef struct {
    const char *type;
    DmMessageClass message_class;
    const char *senders[3]; /* local parts that such messages come from; none: any address */
} Type;

/* PVD IO, table 12; PVD FU 4.3 and step 56, ID FU 3.6. */
static const Type types[] = {
    {"normal", DM_CLASS_NORMAL, {NULL}},
    {"confirmation of dispatch", DM_CLASS_CONFIRMATION, {DM_SYSTEM_DISPATCH}},
    {"confirmation of receipt", DM_CLASS_CONFIRMATION, {DM_SYSTEM_RECEIPT}},
    {TYPE_RETRIEVE, DM_CLASS_CONFIRMATION, {DM_SYSTEM_RETRIEVE}},
    {"malware-acknowledge", DM_CLASS_CONFIRMATION, {DM_SYSTEM_MALWARE}},
    {"malware-notification", DM_CLASS_NOTIFICATION, {DM_SYSTEM_MALWARE, DM_SYSTEM_NOTIFICATION}},
    {"notification", DM_CLASS_NOTIFICATION, {DM_SYSTEM_NOTIFICATION, DM_SYSTEM_IDENTIFICATION_NOTIFICATION}},
    {"identification", DM_CLASS_IDENTIFICATION, {DM_SYSTEM_IDENTIFICATION}},
};

static const Type *find_type(const char *text)
{
    for (gsize i = 0; text != NULL && i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i].type, text) == 0)
            return &types[i];
    }
    return NULL;
}

DmMessageClass dm_rules_class(const char *message_type)
{
    const Type *type = find_type(message_type);

    return type != NULL ? type->message_class : DM_CLASS_UNKNOWN;
}

char *dm_rules_text(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);

    return value != NULL ? dm_header_unfold(value) : NULL;
}

static gboolean has_value(const DmHeaders *headers, const char *name, const char *value)
{
    g_autofree char *text = dm_rules_text(headers, name);

    return g_strcmp0(text, value) == 0;
}

static void judge_system_address(const char *address, const Type *type, DmFindings *findings)
{
    const char *at = strrchr(address, '@');
    g_autofree char *local = g_strndup(address, (gsize)(at - address));
    gboolean similar = FALSE;

    for (guint i = 0; type->senders[i] != NULL; i++) {
        if (strcmp(local, type->senders[i]) == 0)
            return;
        similar = similar || g_ascii_strcasecmp(local, type->senders[i]) == 0;
    }
    if (similar)
        dm_findings_warn(findings, "sender.capitals");
    else
        dm_findings_fail(findings, "sender.system-address");
}

static void judge_sender(const DmHeaders *headers, const Type *type, gboolean authoritative, DmFindings *findings)
{
    g_autofree char *text = dm_rules_text(headers, DM_FIELD_SENDER);
    g_autofree char *address = text != NULL ? dm_mailbox_read_address(text) : NULL;

    if (address == NULL)
        return;
    if (type->senders[0] != NULL)
        judge_system_address(address, type, findings);
    if (authoritative && dm_demail_address_is_pseudonym(address))
        dm_findings_warn(findings, "policy.authoritative-pseudonym");
}

static void judge_signature(const Type *type, gboolean authoritative, DmFindings *findings)
{
    gboolean hash_only = findings->form == DM_FORM_HASH && findings->digest != NULL;

    if (!hash_only)
        return;
    switch (type->message_class) {
    case DM_CLASS_CONFIRMATION:
    case DM_CLASS_IDENTIFICATION:
        dm_findings_fail(findings, "policy.signature-required");
        break;
    case DM_CLASS_NOTIFICATION:
        dm_findings_warn(findings, "policy.notification-unsigned");
        break;
    case DM_CLASS_NORMAL:
        if (authoritative)
            dm_findings_fail(findings, "policy.signature-required");
        break;
    case DM_CLASS_UNKNOWN:
        break;
    }
}

/* PVD FU 3.3, step 19. */
static void judge_level(const DmHeaders *headers, DmFindings *findings)
{
    if (has_value(headers, DM_FIELD_AUTH_LEVEL, "normal") &&
        (has_value(headers, DM_FIELD_AUTHORITATIVE, "yes") || has_value(headers, DM_FIELD_PRIVATE, "yes") ||
         has_value(headers, DM_FIELD_RETRIEVE, "yes")))
        dm_findings_fail(findings, "policy.auth-level");
}

void dm_rules_judge_policy(const DmHeaders *headers, DmFindings *findings)
{
    const Type *type = find_type(findings->message_type);

    if (type == NULL)
        return;
    gboolean normal = type->message_class == DM_CLASS_NORMAL;
    gboolean authoritative = normal && has_value(headers, DM_FIELD_AUTHORITATIVE, "yes");
    judge_sender(headers, type, authoritative, findings);
    judge_signature(type, authoritative, findings);
    if (normal)
        judge_level(headers, findings);
    if (strcmp(type->type, TYPE_RETRIEVE) == 0 && !has_value(headers, DM_FIELD_PRIVATE, "yes"))
        dm_findings_fail(findings, "confirmation.private");
    if (type->message_class == DM_CLASS_IDENTIFICATION && has_value(headers, DM_FIELD_PRIVATE, "no"))
        dm_findings_fail(findings, "ident.private");
}

static gboolean is_of_syntax(const char *reason)
{
    static const char *const categories[] = {"syntax.",    "header.",       "value.",  "address.",
                                             "recipient.", "confirmation.", "forward."};

    for (gsize i = 0; i < G_N_ELEMENTS(categories); i++) {
        if (g_str_has_prefix(reason, categories[i]))
            return TRUE;
    }
    return FALSE;
}

gboolean dm_rules_deliverable(const DmHeaders *headers, const DmFindings *findings)
{
    static const char *const needed[] = {
        DM_FIELD_SENDER,   DM_FIELD_CHOSEN_RECIPIENT, "Subject",
        DM_FIELD_PROVIDER, DM_FIELD_MESSAGE_TYPE,     DM_FIELD_ACTUAL_RECIPIENT,
    };
    g_autoptr(DmFindings) scratch = dm_findings_new();

    if (findings->message_class != DM_CLASS_NOTIFICATION || dm_findings_valid(findings))
        return FALSE;
    for (guint i = 0; i < findings->reasons->len; i++) {
        if (!is_of_syntax(g_ptr_array_index(findings->reasons, i)))
            return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (dm_headers_get(headers, needed[i], 0) == NULL)
            return FALSE;
    }
    dm_rules_judge_sender_address(headers, scratch);
    dm_rules_judge_recipients(headers, DM_FIELD_CHOSEN_RECIPIENT, scratch);
    dm_rules_judge_recipients(headers, DM_FIELD_ACTUAL_RECIPIENT, scratch);
    dm_rules_judge_provider(headers, scratch);
    return dm_findings_valid(scratch);
}
