/*
 * The vocabulary of De-Mail messages: field names, options, recipient lists (PVD IO 3.1).
 */
#ifndef DEMAIL_COMMON_DEMAIL_H
#define DEMAIL_COMMON_DEMAIL_H

#include <glib.h>

#define DM_FIELD_PREFIX           "x-de-mail-"
#define DM_FIELD_OWN_PREFIX       "x-demail-" /* ours: stamp, status, marks */
#define DM_FIELD_DISPATCH         "X-de-mail-confirmation-of-dispatch"
#define DM_FIELD_RECEIPT          "X-de-mail-confirmation-of-receipt"
#define DM_FIELD_RETRIEVE         "X-de-mail-confirmation-of-retrieve"
#define DM_FIELD_AUTHORITATIVE    "X-de-mail-authoritative"
#define DM_FIELD_PRIVATE          "X-de-mail-private"
#define DM_FIELD_SENDER           "X-de-mail-sender"
#define DM_FIELD_CHOSEN_RECIPIENT "X-de-mail-chosen-recipient"
#define DM_FIELD_ACTUAL_RECIPIENT "X-de-mail-actual-recipient"
#define DM_FIELD_AUTH_LEVEL       "X-de-mail-auth-level"
#define DM_FIELD_AUTH_MECHANISM   "X-de-mail-auth-mechanism"
#define DM_FIELD_PROVIDER         "X-de-mail-originator-provider"
#define DM_FIELD_MESSAGE_TYPE     "X-de-mail-message-type"
#define DM_FIELD_INTEGRITY        "X-de-mail-integrity"
#define DM_FIELD_CERTIFICATE      "X-de-mail-signature-certificate"
#define DM_FIELD_VERSION          "X-de-mail-version"
#define DM_FIELD_PRIVATE_ID       "X-de-mail-private-id"
#define DM_FIELD_PRIVAT_ID        "X-de-mail-privat-id" /* a misspelling that clients in the field use */
#define DM_FIELD_MESSAGE_ID       "X-de-mail-message-id"
#define DM_FIELD_ACCOUNT_HOLDER   "X-de-mail-account-holder"
#define DM_FIELD_NOTIFICATION     "X-de-mail-notification-type"
#define DM_FIELD_STAMP            "X-Demail-Stamp"
#define DM_FIELD_STATUS           "X-Demail-Status"
#define DM_FIELD_REDELIVERED      "X-Demail-Redelivered"
#define DM_FIELD_UNDELIVERABLE    "X-Demail-Undeliverable"

#define DM_PRIVATE_ID_MAX 1024 /* characters, PVD IO 3.1.17 */

/* Sets of options. */
typedef enum {
    DM_OPTION_PRIVATE = 1 << 0,
    DM_OPTION_AUTHORITATIVE = 1 << 1,
    DM_OPTION_DISPATCH = 1 << 2,
    DM_OPTION_RECEIPT = 1 << 3,
    DM_OPTION_RETRIEVE = 1 << 4,
} DmOption;

#define DM_OPTION_COUNT 5
#define DM_OPTIONS_ALL  ((1U << DM_OPTION_COUNT) - 1U)

/* The i-th option (0 to DM_OPTION_COUNT - 1): its word in configuration and log, its field. */
const char *dm_option_word(guint i);
const char *dm_option_field(guint i);

/* "private,receipt"; "none" for the empty set. Free with g_free(). */
char *dm_options_format(guint options);

/* Reads words separated by commas, `all` or `none`; FALSE if one is unknown. */
gboolean dm_options_parse(const char *text, guint *options);

/* True for X-de-mail-* and X-Demail-* in any case, the fields that only the gateway and providers may set. */
gboolean dm_field_is_reserved(const char *name);

/* Lists of recipients by kind; arrays of char * (addr-spec). */
typedef struct {
    GPtrArray *to;
    GPtrArray *cc;
    GPtrArray *bcc;
} DmChosen;

/* Reads X-de-mail-chosen-recipient or -actual-recipient (PVD IO 3.1.8): elements in any order, addresses separated by
 * "," or ";". What is unreadable gives FALSE. Clear with dm_chosen_clear() in any case. */
gboolean dm_chosen_parse(const char *value, DmChosen *chosen);

/* "to=a@x, b@x; cc=c@x", folded with "\n " between addresses; elements without addresses are left out. Free with
 * g_free(). */
char *dm_chosen_format(const DmChosen *chosen);

void dm_chosen_init(DmChosen *chosen);
void dm_chosen_clear(DmChosen *chosen);

#endif
