#include "standard/confirmation.h"

#include "common/address.h"
#include "common/demail.h"
#include "standard/mailbox.h"
#include "standard/metadata.h"
#include "standard/recipients.h"
#include "standard/xml.h"
#include "standard/xml_schema.h"

#include <string.h>

/* What sets the kinds of confirmations apart (PVD IO 3.1.12, 3.5.1; PVD FU steps 38, 56, 69 and function 1). */
typedef struct {
    const char *message_type;
    const char *title;      /* of the subject; NULL: free */
    guint options;          /* DmOption: one of them asks for it */
    gboolean for_recipient; /* speaks of one recipient, who has it in Cc */
    gboolean has_delivery;  /* bears DeliveryTime */
} Kind;

static const Kind kinds[] = {
    {"confirmation of dispatch", "Versandbestätigung", DM_OPTION_DISPATCH, FALSE, FALSE},
    {"confirmation of receipt", "Eingangsbestätigung", DM_OPTION_RECEIPT, TRUE, FALSE},
    {"confirmation of retrieve", "Abholbestätigung", DM_OPTION_RETRIEVE, TRUE, TRUE},
    {"malware-acknowledge", NULL, DM_OPTION_DISPATCH | DM_OPTION_RECEIPT | DM_OPTION_RETRIEVE, TRUE, FALSE},
};

static const Kind *find_kind(const char *message_type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_strcmp0(kinds[i].message_type, message_type) == 0)
            return &kinds[i];
    return NULL;
}

/* The confirmation as read. */
typedef struct {
    const DmStatementCase *statement;
    const Kind *kind;
    DmMetadata *metadata;
} Confirmation;

static void fail(const Confirmation *confirmation, const char *reason)
{
    dm_findings_fail(confirmation->statement->findings, reason);
}

static char *element(const Confirmation *confirmation, const char *name)
{
    return dm_xml_child_text(confirmation->statement->root, name);
}

static void judge_sender(const Confirmation *confirmation)
{
    g_autofree char *issuer = element(confirmation, "Sender");
    g_autofree char *sender = dm_case_sender(confirmation->statement);

    g_strstrip(issuer);
    if (sender == NULL)
        return;
    if (!dm_address_equal(issuer, sender))
        fail(confirmation, "confirmation.sender");
    else if (strcmp(issuer, sender) != 0)
        dm_findings_warn(confirmation->statement->findings, "confirmation.sender-case");
}

/* Whether `text` is the title between `before` and `after`, and then the subject; NULL: any subject. */
static gboolean is_titled(const char *text, const char *before, const char *title, const char *after,
                          const char *subject)
{
    g_autofree char *start = g_strconcat(before, title, after, NULL);

    if (!g_str_has_prefix(text, start))
        return FALSE;
    return subject == NULL || dm_case_same(text + strlen(start), subject);
}

static void judge_subject(const Confirmation *confirmation)
{
    const char *value = dm_headers_get(confirmation->statement->headers, "Subject", 0);
    const char *original = dm_metadata_get(confirmation->metadata, "Subject");
    const char *title = confirmation->kind->title;

    if (title == NULL)
        return;
    g_autofree char *subject = original ? dm_header_decode(original) : NULL;
    g_autofree char *header = value ? dm_header_decode(value) : NULL;
    g_autofree char *text = element(confirmation, "Subject");
    g_strstrip(text);
    /* Without the field it is the header's rules that speak. */
    if (header != NULL && !is_titled(header, "*", title, "*", subject))
        fail(confirmation, "confirmation.subject");
    if (!is_titled(text, "", title, ":", subject) && !is_titled(text, "*", title, "*", subject))
        fail(confirmation, "confirmation.xml-subject");
}

static void judge_hash(const Confirmation *confirmation)
{
    g_autofree char *hash = element(confirmation, "Hash");
    const char *integrity = dm_metadata_get(confirmation->metadata, DM_FIELD_INTEGRITY);

    if (integrity != NULL && !dm_case_same(hash, integrity))
        fail(confirmation, "confirmation.hash");
}

static void judge_times(const Confirmation *confirmation)
{
    g_autofree char *time = element(confirmation, "Time");
    g_autofree char *delivery = element(confirmation, "DeliveryTime");

    if (confirmation->kind->has_delivery && delivery == NULL)
        fail(confirmation, "confirmation.delivery-time-missing");
    else if (!confirmation->kind->has_delivery && delivery != NULL)
        fail(confirmation, "confirmation.delivery-time-forbidden");
    else if (delivery != NULL && dm_case_time(delivery) > dm_case_time(time))
        dm_findings_warn(confirmation->statement->findings, "confirmation.delivery-time-late");
}

static gboolean is_yes(const char *value)
{
    return value != NULL && dm_case_same(value, "yes");
}

static void judge_options(const Confirmation *confirmation)
{
    const DmStatementCase *statement = confirmation->statement;
    g_autofree char *private = dm_case_field(statement->headers, DM_FIELD_PRIVATE);
    g_autofree char *wanted = statement->original ? dm_case_field(statement->original, DM_FIELD_PRIVATE) : NULL;
    gboolean requested = FALSE;

    if (is_yes(wanted) && !is_yes(private))
        fail(confirmation, "confirmation.private");
    for (guint i = 0; i < DM_OPTION_COUNT; i++)
        if ((confirmation->kind->options & (1U << i)) != 0 &&
            is_yes(dm_metadata_get(confirmation->metadata, dm_option_field(i))))
            requested = TRUE;
    /* PVD FU 5.2: they are made of messages that asked for them. */
    if (!requested)
        fail(confirmation, "confirmation.not-requested");
}

static void judge_private_id(const Confirmation *confirmation)
{
    g_autofree char *own = dm_case_field(confirmation->statement->headers, DM_FIELD_PRIVATE_ID);

    if (!dm_case_same(own, dm_metadata_get(confirmation->metadata, DM_FIELD_PRIVATE_ID)))
        fail(confirmation, "confirmation.private-id");
}

/* A recipient field of the original; what can't be read of it is left out. Clear with dm_chosen_clear(). */
static void read_original(const DmMetadata *metadata, const char *field, DmChosen *list)
{
    const char *value = dm_metadata_get(metadata, field);
    g_autoptr(DmFindings) judged = dm_findings_new();

    dm_recipients_read(value ? value : "", list, judged);
}

/* Whether one of `addresses` is a recipient of the original, as chosen or after forwarding. */
static gboolean are_of_original(const DmMetadata *metadata, const GPtrArray *addresses)
{
    static const char *const fields[] = {DM_FIELD_CHOSEN_RECIPIENT, DM_FIELD_ACTUAL_RECIPIENT};
    gboolean found = FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS(fields) && !found; i++) {
        DmChosen list;

        read_original(metadata, fields[i], &list);
        g_autoptr(GHashTable) set = dm_case_address_set(list.to, list.cc, list.bcc, NULL);
        found = dm_case_has_any(set, addresses);
        dm_chosen_clear(&list);
    }
    return found;
}

/* Whether one of `addresses` is where answers to the original go. */
static gboolean are_of_sender(const DmMetadata *metadata, const GPtrArray *addresses)
{
    const char *reply = dm_metadata_get(metadata, "Reply-To");
    const char *sender = dm_metadata_get(metadata, DM_FIELD_SENDER);
    const char *wanted = reply != NULL ? reply : sender;
    g_autoptr(GPtrArray) list = wanted != NULL ? dm_mailbox_read_list(wanted) : NULL;
    g_autoptr(GHashTable) set = dm_case_address_set(addresses, NULL);

    return list == NULL || dm_case_has_any(set, list);
}

/* Confirmations go to the reply address of the original, else to its sender, and in copy to the recipient that they
 * speak of. */
static void judge_recipients(const Confirmation *confirmation, const DmChosen *chosen)
{
    if (!are_of_sender(confirmation->metadata, chosen->to))
        fail(confirmation, "confirmation.addressee");
    if (!confirmation->kind->for_recipient)
        return;
    if (chosen->cc->len == 0)
        dm_findings_warn(confirmation->statement->findings, "confirmation.recipient-missing");
    else if (!are_of_original(confirmation->metadata, chosen->cc))
        fail(confirmation, "confirmation.recipient");
}

static void take_addresses(GPtrArray *from, GPtrArray *to)
{
    for (guint i = 0; i < from->len; i++)
        g_ptr_array_add(to, g_strdup(g_ptr_array_index(from, i)));
}

static void set_recipients(const Confirmation *confirmation, const DmChosen *chosen, GPtrArray *out)
{
    DmChosen all;

    if (confirmation->kind->for_recipient)
        take_addresses(chosen->cc, out);
    if (out->len > 0)
        return;
    read_original(confirmation->metadata, DM_FIELD_CHOSEN_RECIPIENT, &all);
    take_addresses(all.to, out);
    take_addresses(all.cc, out);
    take_addresses(all.bcc, out);
    dm_chosen_clear(&all);
}

static void set_statement(const Confirmation *confirmation, const DmChosen *chosen)
{
    DmStatement *out = dm_statement_new();
    g_autofree char *time = element(confirmation, "Time");
    g_autofree char *delivery = element(confirmation, "DeliveryTime");

    dm_case_take(&out->issuer, g_strstrip(element(confirmation, "Sender")));
    dm_case_take(&out->text, element(confirmation, "Text"));
    out->time = dm_case_time(time);
    out->delivery_time = confirmation->kind->has_delivery && delivery ? dm_case_time(delivery) : 0;
    dm_case_take(&out->original_message_id, g_strdup(dm_metadata_get(confirmation->metadata, DM_FIELD_MESSAGE_ID)));
    dm_case_take(&out->original_rfc_id, g_strdup(dm_metadata_get(confirmation->metadata, "Message-ID")));
    dm_case_take(&out->private_id, dm_case_field(confirmation->statement->headers, DM_FIELD_PRIVATE_ID));
    set_recipients(confirmation, chosen, out->recipients);
    confirmation->statement->findings->statement = out;
}

static void judge_content(const Confirmation *confirmation)
{
    const DmStatementCase *statement = confirmation->statement;
    DmChosen chosen;

    dm_metadata_judge(confirmation->metadata, statement->findings);
    judge_sender(confirmation);
    judge_subject(confirmation);
    judge_hash(confirmation);
    judge_times(confirmation);
    judge_options(confirmation);
    judge_private_id(confirmation);
    if (statement->original != NULL && !dm_metadata_agree(confirmation->metadata, statement->original))
        fail(confirmation, "confirmation.original");
    if (dm_case_chosen(statement, &chosen))
        judge_recipients(confirmation, &chosen);
    set_statement(confirmation, &chosen);
    dm_chosen_clear(&chosen);
}

void dm_confirmation_judge(const DmStatementCase *statement)
{
    const Kind *kind = find_kind(statement->findings->message_type);

    dm_case_judge_signature(statement);
    if (!dm_xml_schema_valid(statement->document)) {
        dm_findings_fail(statement->findings, "confirmation.schema");
        return;
    }
    if (kind == NULL)
        return;
    g_autoptr(DmMetadata) metadata = dm_metadata_read(dm_xml_child(statement->root, "Metadata"));
    const Confirmation confirmation = {statement, kind, metadata};
    judge_content(&confirmation);
}
