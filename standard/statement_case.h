/*
 * One statement under judgement, as its judges share it: what is known of the message, and under which words findings
 * go into the findings. Internal to statement, confirmation, notification and identification.
 */
#ifndef DEMAIL_STANDARD_STATEMENT_CASE_H
#define DEMAIL_STANDARD_STATEMENT_CASE_H

#include "common/demail.h"
#include "common/header.h"
#include "standard/findings.h"
#include "standard/trust.h"

#include <libxml/tree.h>

/* The reasons that confirmations and notifications share with identifications; each is "category.detail". */
typedef struct {
    const char *structure;     /* not a multipart/mixed that can be read */
    const char *xml_missing;   /* no XML part */
    const char *xml_several;   /* more than one */
    const char *xml_malformed; /* not well-formed, or with a document type */
    const char *xml_root;      /* the root element does not fit the message type */
    const char *other_parts;   /* a warning: parts that are neither XML nor PDF nor text */
    const char *pdf_missing;
    const char *pdf_invalid;
    const char *signature_missing;
    const char *signature_scope;
    const char *signature_algorithm;
    const char *signature_certificate;
    const char *signature_invalid;
} DmStatementReasons;

typedef struct {
    const DmHeaders *headers;  /* of the message */
    const DmHeaders *original; /* of the message that it speaks of, or NULL */
    const DmTrust *trust;
    gint64 at; /* seconds since 1970 */
    const DmStatementReasons *reasons;
    DmFindings *findings;
    xmlDocPtr document;
    xmlNodePtr root;
} DmStatementCase;

/* The first field of that name, unfolded, as UTF-8 (bytes that are not are read as ISO-8859-1); NULL if there is none.
 * g_free(). */
char *dm_case_field(const DmHeaders *headers, const char *name);

/* The address in X-de-mail-sender; NULL if there is none to be read, which is the header's fault. g_free(). */
char *dm_case_sender(const DmStatementCase *statement);

/* Whether two texts are the same but for white space. NULL is the same as NULL only. */
gboolean dm_case_same(const char *a, const char *b);

/* Reads X-de-mail-chosen-recipient; FALSE if there is none to be read, which is the header's fault. Clear `chosen` with
 * dm_chosen_clear() in any case. */
gboolean dm_case_chosen(const DmStatementCase *statement, DmChosen *chosen);

/* xs:dateTime as seconds since 1970, without a zone as UTC; 0 if unreadable. */
gint64 dm_case_time(const char *text);

/* The addresses of lists of char *, as a set for dm_case_has_address(); the lists end with NULL. g_hash_table_unref().
 */
GHashTable *dm_case_address_set(const GPtrArray *list, ...) G_GNUC_NULL_TERMINATED;
gboolean dm_case_has_address(GHashTable *set, const char *address);
gboolean dm_case_has_any(GHashTable *set, const GPtrArray *addresses);

/* Puts `text` in the place of what stands in a field of a DmStatement, and owns it; NULL changes nothing. */
void dm_case_take(char **field, char *text);

/* Judges the XML signature and its certificate. */
void dm_case_judge_signature(const DmStatementCase *statement);

#endif
