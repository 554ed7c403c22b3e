#include "standard/rules.h"

#include "common/demail.h"
#include "standard/demail_address.h"
#include "standard/rules_syntax.h"

#include <string.h>

static void judge_word(const DmHeaders *headers, const char *name, const char *const *words, const char *reason,
                       DmFindings *findings)
{
    g_autofree char *text = dm_rules_text(headers, name);

    if (text != NULL && !g_strv_contains(words, text))
        dm_findings_fail(findings, reason);
}

static void judge_words(const DmHeaders *headers, DmFindings *findings)
{
    static const char *const yes_no[] = {"yes", "no", NULL};
    static const char *const levels[] = {"normal", "high", NULL};
    static const char *const versions[] = {"1.0", "1.1", "1.2", "1.7", "1.8", NULL};
    static const char *const notifications[] = {"unknown-recipient", "closed-account", "invalid-format", "other", NULL};

    for (guint i = 0; i < DM_OPTION_COUNT; i++)
        judge_word(headers, dm_option_field(i), yes_no, "value.option", findings);
    judge_word(headers, DM_FIELD_AUTH_LEVEL, levels, "value.auth-level", findings);
    judge_word(headers, DM_FIELD_VERSION, versions, "value.version", findings);
    judge_word(headers, DM_FIELD_NOTIFICATION, notifications, "value.notification-type", findings);
}

/* Fields whose value is free, but there must be one. */
static void judge_filled(const DmHeaders *headers, DmFindings *findings)
{
    static const char *const names[] = {DM_FIELD_AUTH_MECHANISM, DM_FIELD_MESSAGE_ID, DM_FIELD_ACCOUNT_HOLDER};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = dm_rules_text(headers, names[i]);
        if (text != NULL && text[0] == '\0')
            dm_findings_fail(findings, "value.empty");
    }
}

/* The limit came with version 1.2 (table 26). */
static void judge_private_id(const DmHeaders *headers, DmFindings *findings)
{
    static const char *const unlimited[] = {"1.0", "1.1", NULL};
    g_autofree char *text = dm_rules_text(headers, DM_FIELD_PRIVATE_ID);
    g_autofree char *version = dm_rules_text(headers, DM_FIELD_VERSION);

    if (text == NULL || (version != NULL && g_strv_contains(unlimited, version)))
        return;
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    if (g_utf8_strlen(valid, -1) > DM_PRIVATE_ID_MAX)
        dm_findings_fail(findings, "value.private-id-length");
}

void dm_rules_judge_provider(const DmHeaders *headers, DmFindings *findings)
{
    g_autofree char *text = dm_rules_text(headers, DM_FIELD_PROVIDER);

    if (text != NULL && !dm_demail_domain_is_valid(text))
        dm_findings_fail(findings, "value.originator-provider");
}

/* Whether the calendar has the day; two-digit years as RFC 2822 4.3 reads them. */
static gboolean has_day(const GMatchInfo *match)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    g_autofree char *day = g_match_info_fetch(match, 1);
    g_autofree char *month = g_match_info_fetch(match, 2);
    g_autofree char *year = g_match_info_fetch(match, 3);
    g_autofree char *lower = g_ascii_strdown(month, -1);
    guint number = (guint)(strstr(months, lower) - months) / 3 + 1;
    guint64 full = g_ascii_strtoull(year, NULL, 10);

    if (strlen(year) < 4)
        full += full < 50 ? 2000 : 1900;
    return g_date_valid_dmy((GDateDay)g_ascii_strtoull(day, NULL, 10), (GDateMonth)number, (GDateYear)full);
}

gboolean dm_rules_is_date(const char *text)
{
    g_autoptr(GRegex) form = g_regex_new("^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\\s*,)?\\s*([0-3]?[0-9])\\s+"
                                         "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\\s+([0-9]{2,4})\\s+"
                                         "(?:[01][0-9]|2[0-3])\\s*:\\s*[0-5][0-9](?:\\s*:\\s*(?:[0-5][0-9]|60))?\\s+"
                                         "(?:[+-][0-9]{2}[0-5][0-9]|UT|GMT|[ECMP][SD]T|[A-IK-Z])"
                                         "(?:\\s*\\([^()]*\\))?$",
                                         G_REGEX_CASELESS, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    return form != NULL && g_regex_match(form, text, 0, &match) && has_day(match);
}

gboolean dm_rules_is_message_id(const char *text)
{
    return g_regex_match_simple("^<(?:\"[^\"\\s]*\"|[^<>@\\s\"]+)@(?:\\[[^\\[\\]\\s]*\\]|[^<>@\\s\\[\\]]+)>$", text, 0,
                                0);
}

static void judge_mail_fields(const DmHeaders *headers, DmFindings *findings)
{
    g_autofree char *date = dm_rules_text(headers, "Date");
    g_autofree char *message_id = dm_rules_text(headers, "Message-ID");

    if (date != NULL && !dm_rules_is_date(date))
        dm_findings_fail(findings, "value.date");
    if (message_id != NULL && !dm_rules_is_message_id(message_id))
        dm_findings_fail(findings, "value.rfc-message-id");
}

void dm_rules_judge_values(const DmHeaders *headers, DmFindings *findings)
{
    g_autofree char *type = dm_rules_text(headers, DM_FIELD_MESSAGE_TYPE);

    if (type != NULL && dm_rules_class(type) == DM_CLASS_UNKNOWN)
        dm_findings_fail(findings, "value.message-type");
    judge_words(headers, findings);
    judge_filled(headers, findings);
    judge_private_id(headers, findings);
    dm_rules_judge_provider(headers, findings);
    judge_mail_fields(headers, findings);
}
