/*
 * What was found out about one De-Mail: the reasons why it is not valid, remarks, and what it says of itself.
 *
 * A reason is "category.detail". Categories: syntax, header, value, address, sender, recipient, integrity, certificate,
 * signature, policy, confirmation, ident, forward. Reasons decide validity, warnings never do. A DmFindings belongs to
 * one thread.
 */
#ifndef DEMAIL_STANDARD_FINDINGS_H
#define DEMAIL_STANDARD_FINDINGS_H

#include <glib.h>

typedef enum {
    DM_CLASS_UNKNOWN,        /* no or an unknown X-de-mail-message-type */
    DM_CLASS_NORMAL,         /* N in PVD IO, table 1 */
    DM_CLASS_CONFIRMATION,   /* B */
    DM_CLASS_NOTIFICATION,   /* M */
    DM_CLASS_IDENTIFICATION, /* I */
} DmMessageClass;

typedef enum {
    DM_FORM_NONE, /* no readable X-de-mail-integrity */
    DM_FORM_HASH,
    DM_FORM_SIGNED,
} DmIntegrityForm;

/* What a confirmation or notification says; texts are never NULL but may be empty, all UTF-8. */
typedef struct {
    char *issuer;              /* the element Sender */
    char *text;                /* the element Text */
    gint64 time;               /* seconds since 1970; 0: unreadable */
    gint64 delivery_time;      /* confirmation of retrieve: when it came into the mailbox; else 0 */
    char *notification_type;   /* X-de-mail-notification-type; empty in confirmations */
    char *original_message_id; /* of the message that is spoken of: X-de-mail-message-id; empty in notifications */
    char *original_rfc_id;     /* and its Message-ID, with brackets; may be empty */
    char *private_id;          /* of the confirmation or notification itself */
    GPtrArray *recipients;     /* char *: which recipients it speaks of; dispatch: all that the original names; receipt
                                  and retrieve: the one in Cc; notification: empty, its text may name some */
} DmStatement;

typedef struct {
    GPtrArray *reasons;  /* const char *, static, each once, in the order found */
    GPtrArray *warnings; /* the same */
    DmMessageClass message_class;
    char *message_type; /* X-de-mail-message-type as it stands, or NULL */
    DmIntegrityForm form;
    char *algorithm;           /* a=, or NULL */
    char *digest;              /* sha256, sha384, sha512, or NULL */
    char *signature_algorithm; /* rsa, ec-dsa, rsassa-pss, or NULL */
    char *signer;              /* subject of the certificate (RFC 2253) where the message is signed, or NULL */
    char *body_hash;           /* base64, as computed; NULL where a= names no digest */
    char *header_hash;         /* the same */
    gboolean deliverable;      /* a notification that must be delivered in spite of its errors (PVD FU step 41) */
    DmStatement *statement;    /* NULL where there is none or it can't be read */
} DmFindings;

DmFindings *dm_findings_new(void);
void dm_findings_free(DmFindings *findings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmFindings, dm_findings_free)

/* `reason` is a string constant. */
void dm_findings_fail(DmFindings *findings, const char *reason);
void dm_findings_warn(DmFindings *findings, const char *reason);

gboolean dm_findings_valid(const DmFindings *findings);

DmStatement *dm_statement_new(void);
void dm_statement_free(DmStatement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmStatement, dm_statement_free)

#endif
