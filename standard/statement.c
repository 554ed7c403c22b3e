#include "standard/statement.h"

#include "standard/confirmation.h"
#include "standard/identification.h"
#include "standard/notification.h"
#include "standard/statement_case.h"
#include "standard/statement_parts.h"
#include "standard/xml.h"

#include <string.h>

#define DEMAIL_NAMESPACE "urn:de-mail"

#define REASONS(category)                                                                                              \
    {                                                                                                                  \
        .structure = category ".structure", .xml_missing = category ".xml-missing",                                    \
        .xml_several = category ".xml-several", .xml_malformed = category ".xml-malformed",                            \
        .xml_root = category ".xml-root", .other_parts = category ".other-parts",                                      \
        .pdf_missing = category ".pdf-missing", .pdf_invalid = category ".pdf-invalid",                                \
        .signature_missing = category ".signature-missing", .signature_scope = category ".signature-scope",            \
        .signature_algorithm = category ".signature-algorithm",                                                        \
        .signature_certificate = category ".signature-certificate",                                                    \
        .signature_invalid = category ".signature-invalid",                                                            \
    }

static const DmStatementReasons confirmation_reasons = REASONS("confirmation");
static const DmStatementReasons ident_reasons = REASONS("ident");

static gboolean is_root(const DmStatementCase *statement, const char *name)
{
    const xmlNode *root = statement->root;

    return strcmp((const char *)root->name, name) == 0 && root->ns != NULL &&
           xmlStrEqual(root->ns->href, BAD_CAST DEMAIL_NAMESPACE);
}

static void judge_by_class(const DmStatementCase *statement)
{
    switch (statement->findings->message_class) {
    case DM_CLASS_CONFIRMATION:
        if (is_root(statement, "Acknowledge-Message")) {
            dm_confirmation_judge(statement);
            return;
        }
        break;
    case DM_CLASS_NOTIFICATION:
        if (is_root(statement, "Notification-Message")) {
            dm_notification_judge(statement);
            return;
        }
        break;
    case DM_CLASS_IDENTIFICATION:
        if (dm_identification_is_assertion(statement->root)) {
            dm_identification_judge(statement);
            return;
        }
        break;
    case DM_CLASS_UNKNOWN:
    case DM_CLASS_NORMAL:
        return;
    }
    dm_findings_fail(statement->findings, statement->reasons->xml_root);
}

static void judge_xml(DmStatementCase *statement, GBytes *xml)
{
    gsize length;
    const char *bytes = g_bytes_get_data(xml, &length);
    g_autoptr(xmlDoc) document = dm_xml_parse(bytes, length, NULL);

    if (document == NULL) {
        dm_findings_fail(statement->findings, statement->reasons->xml_malformed);
        return;
    }
    statement->document = document;
    statement->root = xmlDocGetRootElement(document);
    judge_by_class(statement);
}

static void judge_pdf(const DmStatementCase *statement, GBytes *pdf)
{
    gsize length;
    const char *bytes = pdf ? g_bytes_get_data(pdf, &length) : NULL;

    if (pdf == NULL)
        dm_findings_fail(statement->findings, statement->reasons->pdf_missing);
    else if (length < strlen("%PDF-") || memcmp(bytes, "%PDF-", strlen("%PDF-")) != 0)
        dm_findings_fail(statement->findings, statement->reasons->pdf_invalid);
}

static void judge_parts(DmStatementCase *statement, const DmStatementParts *parts)
{
    const DmStatementReasons *reasons = statement->reasons;

    if (parts->xml_count > 1)
        dm_findings_fail(statement->findings, reasons->xml_several);
    if (parts->other_count > 0)
        dm_findings_warn(statement->findings, reasons->other_parts);
    judge_pdf(statement, parts->pdf);
    if (parts->xml != NULL)
        judge_xml(statement, parts->xml);
    else
        dm_findings_fail(statement->findings, reasons->xml_missing);
}

void dm_statement_judge(const DmHeaders *headers, const char *message, gsize length, const DmTrust *trust, gint64 at,
                        const DmHeaders *original, DmFindings *findings)
{
    gboolean is_ident = findings->message_class == DM_CLASS_IDENTIFICATION;
    DmStatementCase statement = {.headers = headers,
                                 .original = original,
                                 .trust = trust,
                                 .at = at,
                                 .reasons = is_ident ? &ident_reasons : &confirmation_reasons,
                                 .findings = findings};
    DmStatementParts parts;

    if (length > DM_STATEMENT_MAX) {
        dm_findings_fail(findings, statement.reasons->structure);
        return;
    }
    if (dm_statement_parts_read(headers, message, length, &parts))
        judge_parts(&statement, &parts);
    else
        dm_findings_fail(findings, statement.reasons->structure);
    dm_statement_parts_clear(&parts);
}
