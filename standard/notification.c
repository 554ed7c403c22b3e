#include "standard/notification.h"

#include "common/demail.h"
#include "standard/xml.h"
#include "standard/xml_schema.h"

static char *element(const DmStatementCase *statement, const char *name)
{
    return dm_xml_child_text(statement->root, name);
}

static void judge_content(const DmStatementCase *statement)
{
    const char *value = dm_headers_get(statement->headers, "Subject", 0);
    g_autofree char *header = value ? dm_header_decode(value) : NULL;
    g_autofree char *subject = element(statement, "Subject");
    g_autofree char *sender = element(statement, "Sender");

    if (dm_case_same(sender, ""))
        dm_findings_warn(statement->findings, "confirmation.sender-empty");
    if (header != NULL && !dm_case_same(header, subject))
        dm_findings_warn(statement->findings, "confirmation.subject-differs");
    if (statement->original == NULL)
        return;
    g_autofree char *own = dm_case_field(statement->headers, DM_FIELD_PRIVATE_ID);
    g_autofree char *original = dm_case_field(statement->original, DM_FIELD_PRIVATE_ID);
    if (!dm_case_same(own, original))
        dm_findings_fail(statement->findings, "confirmation.private-id");
}

static void set_statement(const DmStatementCase *statement)
{
    DmStatement *out = dm_statement_new();
    g_autofree char *time = element(statement, "Time");

    dm_case_take(&out->issuer, g_strstrip(element(statement, "Sender")));
    dm_case_take(&out->text, element(statement, "Text"));
    out->time = dm_case_time(time);
    dm_case_take(&out->notification_type, dm_case_field(statement->headers, DM_FIELD_NOTIFICATION));
    dm_case_take(&out->private_id, dm_case_field(statement->headers, DM_FIELD_PRIVATE_ID));
    statement->findings->statement = out;
}

void dm_notification_judge(const DmStatementCase *statement)
{
    if (!dm_xml_schema_valid(statement->document)) {
        dm_findings_fail(statement->findings, "confirmation.schema");
        return;
    }
    judge_content(statement);
    set_statement(statement);
}
