#include "poller/draft.h"

#include "common/address.h"
#include "common/demail.h"

#include <gmime/gmime.h>
#include <string.h>

/* Of the MTA, of hidden recipients, and what would show e-mail addresses to the recipient. */
static const char *const never_sent[] = {
    "Sender",
    "Bcc",
    "Return-Path",
    "Received",
    "Delivered-To",
    "X-Original-To",
    "Envelope-to",
    "Resent-Bcc",
    "Resent-Cc",
    "Resent-Date",
    "Resent-From",
    "Resent-Message-ID",
    "Resent-Sender",
    "Resent-To",
    "Disposition-Notification-To",
    "Return-Receipt-To",
};

char *dm_draft_sender(const DmHeaders *headers, GError **error)
{
    if (dm_headers_count(headers, DM_FIELD_SENDER) == 1) {
        gboolean clean;
        g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(dm_headers_get(headers, DM_FIELD_SENDER, 0), &clean);

        const DmMailbox *sender = clean && mailboxes->len == 1 ? g_ptr_array_index(mailboxes, 0) : NULL;

        if (sender && dm_address_is_plain(sender->address))
            return g_strdup(sender->address);
    }
    g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "the message does not have exactly one plain address in %s",
                DM_FIELD_SENDER);
    return NULL;
}

static int find_field(const DmHeaders *headers, const char *name, guint from)
{
    for (guint i = from; i < dm_headers_length(headers); i++) {
        if (g_ascii_strcasecmp(dm_headers_at(headers, i)->name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* GMime guesses at raw bytes; we say what they are. */
static InternetAddressList *parse_addresses(const char *value)
{
    g_autofree char *text = dm_header_unfold(value);

    if (!g_utf8_validate(text, -1, NULL)) {
        char *latin1 = g_convert(text, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);

        if (latin1) {
            g_free(text);
            text = latin1;
        }
    }
    if (dm_address_text_is_crowded(text))
        return NULL;
    /* GMime forgives everything here but a comment that does not end. */
    gboolean whole = TRUE;
    g_autofree char *readable = strchr(text, '(') ? dm_address_text_readable(text, &whole) : g_steal_pointer(&text);
    return internet_address_list_parse(NULL, readable);
}

/* The list as the value of field `name`, encoded and folded. */
static char *format_addresses(const char *name, InternetAddressList *list)
{
    GString *text = g_string_new(name);

    g_string_append(text, ": ");
    internet_address_list_encode(list, NULL, text);
    g_string_erase(text, 0, (gssize)strlen(name) + 2);
    while (text->len > 0 && text->str[text->len - 1] == '\n')
        g_string_truncate(text, text->len - 1);
    return g_string_free(text, FALSE);
}

/* What became of the addresses of a list. */
typedef struct {
    gboolean changed;
    gboolean unmapped; /* at least one has no De-Mail address */
} Mapped;

static gboolean map_mailbox(const DmDraft *draft, InternetAddressMailbox *mailbox, Mapped *mapped, GError **error)
{
    const char *address = internet_address_mailbox_get_addr(mailbox);
    g_autofree char *plain = address ? dm_address_undivert(address, draft->divert_domain) : NULL;
    g_autofree char *demail = NULL;

    if (plain) {
        internet_address_mailbox_set_addr(mailbox, plain);
        mapped->changed = TRUE;
        return TRUE;
    }
    if (address && !draft->map(address, &demail, draft->map_data, error))
        return FALSE;
    if (!demail) {
        mapped->unmapped = TRUE;
    } else if (!dm_address_equal(demail, address)) {
        internet_address_mailbox_set_addr(mailbox, demail);
        mapped->changed = TRUE;
    }
    return TRUE;
}

static gboolean map_list(const DmDraft *draft, InternetAddressList *list, Mapped *mapped, GError **error)
{
    for (int i = 0; i < internet_address_list_length(list); i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);

        internet_address_set_charset(address, "utf-8");
        if (INTERNET_ADDRESS_IS_MAILBOX(address)) {
            if (!map_mailbox(draft, INTERNET_ADDRESS_MAILBOX(address), mapped, error))
                return FALSE;
            continue;
        }
        InternetAddressList *members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address));

        for (int k = 0; k < internet_address_list_length(members); k++) {
            InternetAddress *member = internet_address_list_get_address(members, k);

            internet_address_set_charset(member, "utf-8");
            if (INTERNET_ADDRESS_IS_MAILBOX(member) &&
                !map_mailbox(draft, INTERNET_ADDRESS_MAILBOX(member), mapped, error))
                return FALSE;
        }
    }
    return TRUE;
}

/* Every field of that name; with `all_or_nothing` it goes if one of its addresses has no De-Mail address. */
static gboolean map_fields(const DmDraft *draft, DmHeaders *headers, const char *name, gboolean all_or_nothing,
                           GError **error)
{
    int index = find_field(headers, name, 0);

    while (index >= 0) {
        InternetAddressList *list = parse_addresses(dm_headers_at(headers, (guint)index)->value);
        Mapped mapped = {0};
        gboolean ok = !list || map_list(draft, list, &mapped, error);
        gboolean remove = all_or_nothing && (!list || mapped.unmapped);

        if (ok && remove) {
            dm_headers_remove_at(headers, (guint)index);
        } else if (ok && mapped.changed) {
            g_autofree char *text = format_addresses(name, list);

            dm_headers_set_at(headers, (guint)index, text);
        }
        g_clear_object(&list);
        if (!ok)
            return FALSE;
        index = find_field(headers, name, (guint)index + (remove ? 0 : 1));
    }
    return TRUE;
}

static gboolean set_from(DmHeaders *headers, const char *demail, GError **error)
{
    int index = find_field(headers, "From", 0);
    g_autoptr(GPtrArray) mailboxes =
        index >= 0 ? dm_header_mailboxes(dm_headers_at(headers, (guint)index)->value, NULL) : NULL;

    if (!mailboxes || mailboxes->len != 1 || dm_headers_count(headers, "From") != 1) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "the message does not have exactly one address in From");
        return FALSE;
    }

    const DmMailbox *from = g_ptr_array_index(mailboxes, 0);

    InternetAddressList *list = internet_address_list_new();
    InternetAddress *mailbox = internet_address_mailbox_new(from->name, demail);

    internet_address_set_charset(mailbox, "utf-8");
    internet_address_list_add(list, mailbox);

    g_autofree char *text = format_addresses("From", list);

    dm_headers_set_at(headers, (guint)index, text);
    g_object_unref(mailbox);
    g_object_unref(list);
    return TRUE;
}

static void note_addresses(GHashTable *known, const GPtrArray *addresses)
{
    for (guint i = 0; i < addresses->len; i++)
        g_hash_table_add(known, dm_address_key(g_ptr_array_index(addresses, i)));
}

/* Adds the draft's recipients that are not in `chosen`; returns how many. */
static guint add_missing(const DmDraft *draft, DmChosen *chosen)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint added = 0;

    note_addresses(known, chosen->to);
    note_addresses(known, chosen->cc);
    note_addresses(known, chosen->bcc);
    for (char *const *recipient = draft->recipients; *recipient; recipient++) {
        if (g_hash_table_add(known, dm_address_key(*recipient))) {
            g_ptr_array_add(chosen->bcc, g_strdup(*recipient));
            added++;
        }
    }
    return added;
}

/* The milter names no hidden recipient, for it does not know how the MTA will cut the envelope. */
static gboolean add_hidden_recipients(const DmDraft *draft, DmHeaders *headers, GError **error)
{
    int index = find_field(headers, DM_FIELD_CHOSEN_RECIPIENT, 0);
    DmChosen chosen;

    if (index < 0) {
        dm_chosen_init(&chosen);
    } else if (!dm_chosen_parse(dm_headers_at(headers, (guint)index)->value, &chosen)) {
        dm_chosen_clear(&chosen);
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "%s is unreadable", DM_FIELD_CHOSEN_RECIPIENT);
        return FALSE;
    }
    if (add_missing(draft, &chosen) > 0) {
        g_autofree char *text = dm_chosen_format(&chosen);

        if (index >= 0)
            dm_headers_set_at(headers, (guint)index, text);
        else
            dm_headers_prepend(headers, DM_FIELD_CHOSEN_RECIPIENT, text);
    }
    dm_chosen_clear(&chosen);
    return TRUE;
}

gboolean dm_draft_make(const DmDraft *draft, DmHeaders *headers, GError **error)
{
    g_autofree char *sender = dm_draft_sender(headers, error);

    if (!sender)
        return FALSE;
    dm_headers_remove_prefix(headers, DM_FIELD_OWN_PREFIX);
    for (gsize i = 0; i < G_N_ELEMENTS(never_sent); i++)
        dm_headers_remove(headers, never_sent[i]);
    for (char *const *name = draft->strip_headers; *name; name++)
        dm_headers_remove(headers, *name);
    return set_from(headers, sender, error) && map_fields(draft, headers, "Reply-To", TRUE, error) &&
           map_fields(draft, headers, "To", FALSE, error) && map_fields(draft, headers, "Cc", FALSE, error) &&
           add_hidden_recipients(draft, headers, error);
}
