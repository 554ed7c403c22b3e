#include "standard/verify.h"

#include "common/demail.h"
#include "standard/body_hash.h"
#include "standard/integrity_field.h"
#include "standard/line_check.h"
#include "standard/raw_header.h"
#include "standard/rules.h"
#include "standard/seal_check.h"
#include "standard/statement.h"

#include <errno.h>
#include <unistd.h>

#define STEP (64 * 1024)

typedef struct {
    int fd;
    goffset offset; /* where the next step begins */
    char *buffer;
    gsize length; /* what the buffer holds */
} Reader;

static gboolean read_step(Reader *reader, GError **error)
{
    ssize_t got = 0;

    do
        got = pread(reader->fd, reader->buffer, STEP, reader->offset);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "reading the message: %s", g_strerror(errno));
        return FALSE;
    }
    reader->length = (gsize)got;
    reader->offset += got;
    return TRUE;
}

/* Reads up to the end of the header: `block` holds it with what was read behind it. *body is where the body begins in
 * the file, *header the length of the header. FALSE on error. */
static gboolean read_header(Reader *reader, GString *block, gsize *header, goffset *body, DmFindings *findings,
                            GError **error)
{
    gsize end = 0;

    do {
        if (!read_step(reader, error))
            return FALSE;
        g_string_append_len(block, reader->buffer, (gssize)reader->length);
        end = dm_raw_header_end(block->str, block->len, header);
    } while (end == 0 && reader->length > 0 && block->len <= DM_HEADERS_MAX);
    if (end == 0) {
        *header = block->len;
        end = block->len;
    }
    if (*header > DM_HEADERS_MAX) {
        dm_findings_fail(findings, "syntax.header-size");
        *header = 0;
    }
    *body = (goffset)end;
    return TRUE;
}

/* Whether the header was all there is, and its last line lacks its end. */
static gboolean lacks_line_end(const GString *block, gsize header)
{
    return header == block->len && header > 0 && block->str[header - 1] != '\n';
}

/* Hashes the body (with a digest at all) and checks its lines, from `reader->offset` to the end of the file. */
static gboolean read_body(Reader *reader, const DmIntegrityField *field, gboolean converted, char **body_hash,
                          DmFindings *findings, GError **error)
{
    gboolean hashed = field != NULL && field->has_algorithm;
    g_autoptr(DmBodyHash) hash = hashed ? dm_body_hash_new(field->digest) : NULL;
    DmLineCheck lines = {0};

    for (;;) {
        if (!read_step(reader, error))
            return FALSE;
        if (reader->length == 0)
            break;
        dm_line_check_update(&lines, reader->buffer, reader->length);
        if (hash != NULL)
            dm_body_hash_update(hash, reader->buffer, reader->length);
    }
    if (!converted)
        dm_line_check_finish(&lines, findings);
    *body_hash = hash != NULL ? dm_body_hash_finish(g_steal_pointer(&hash)) : NULL;
    return TRUE;
}

/* Messages of the other classes are read as a whole. */
static gboolean judge_statement(int fd, const DmHeaders *headers, const DmTrust *trust, gint64 at,
                                const DmHeaders *original, DmFindings *findings, GError **error)
{
    g_autofree char *buffer = g_malloc(STEP);
    g_autoptr(GString) message = g_string_new(NULL);
    Reader reader = {.fd = fd, .buffer = buffer};

    do {
        if (!read_step(&reader, error))
            return FALSE;
        g_string_append_len(message, reader.buffer, (gssize)reader.length);
    } while (reader.length > 0 && message->len <= DM_STATEMENT_MAX);
    if (message->len > DM_STATEMENT_MAX)
        dm_findings_fail(findings, "confirmation.size");
    else
        dm_statement_judge(headers, message->str, message->len, trust, at, original, findings);
    return TRUE;
}

static gboolean has_statement(DmMessageClass message_class)
{
    switch (message_class) {
    case DM_CLASS_UNKNOWN:
    case DM_CLASS_NORMAL:
        return FALSE;
    case DM_CLASS_CONFIRMATION:
    case DM_CLASS_NOTIFICATION:
    case DM_CLASS_IDENTIFICATION:
        return TRUE;
    }
    return FALSE;
}

static void judge_header(const DmHeaders *headers, DmFindings *findings)
{
    dm_rules_judge_presence(headers, findings->message_class, findings);
    dm_rules_judge_values(headers, findings);
    dm_rules_judge_addresses(headers, findings);
    dm_rules_judge_forwarding(headers, findings);
    dm_rules_judge_policy(headers, findings);
}

/* Judges the message whose header has been read; the reader stands at its body. */
static gboolean judge(Reader *reader, const DmRawHeader *raw, const DmHeaders *headers, const DmTrust *trust, gint64 at,
                      const DmHeaders *original, DmFindings *findings, GError **error)
{
    g_autoptr(DmIntegrityField) field = dm_integrity_field_read(raw, at, findings);
    g_autofree char *body_hash = NULL;

    findings->message_type = dm_rules_text(headers, DM_FIELD_MESSAGE_TYPE);
    findings->message_class = dm_rules_class(findings->message_type);
    if (!read_body(reader, field, dm_raw_header_is_converted(raw), &body_hash, findings, error))
        return FALSE;
    if (field != NULL)
        dm_seal_check(field, raw, headers, body_hash, trust, at, findings);
    judge_header(headers, findings);
    if (has_statement(findings->message_class) &&
        !judge_statement(reader->fd, headers, trust, at, original, findings, error))
        return FALSE;
    findings->deliverable = dm_rules_deliverable(headers, findings);
    return TRUE;
}

DmFindings *dm_verify(const DmTrust *trust, int fd, gint64 at, const DmHeaders *original, GError **error)
{
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_autoptr(GString) block = g_string_new(NULL);
    g_autofree char *buffer = g_malloc(STEP);
    Reader reader = {.fd = fd, .buffer = buffer};
    gsize header = 0;
    goffset body = 0;

    if (!read_header(&reader, block, &header, &body, findings, error))
        return NULL;
    g_autoptr(DmRawHeader) raw = dm_raw_header_read(block->str, header, findings);
    g_autoptr(DmHeaders) headers = dm_raw_header_decode(raw, error);
    if (headers == NULL)
        return NULL;
    if (lacks_line_end(block, header))
        dm_findings_warn(findings, "syntax.final-crlf");
    reader.offset = body;
    if (!judge(&reader, raw, headers, trust, at, original, findings, error))
        return NULL;
    return g_steal_pointer(&findings);
}
