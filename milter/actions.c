#include "milter/actions.h"

#include "common/address.h"
#include "common/demail.h"
#include "common/log.h"
#include "milter/counts.h"

#include <stdio.h>
#include <string.h>

#define REPLY_MAX 480 /* bytes; SMTP lines end at 512, libmilter at 980 */

sfsistat dm_actions_refuse(SMFICTX *context, DmRefusal refusal, const char *text)
{
    guint code = dm_refusal_smtp_code(refusal);
    g_autofree char *code_text = g_strdup_printf("%u", code);
    g_autofree char *cut = g_strndup(text, REPLY_MAX);
    g_auto(GStrv) parts = g_strsplit(cut, "%", -1);
    g_autofree char *doubled = g_strjoinv("%%", parts); /* libmilter takes the text as a format */

    /* Without our text the MTA answers with its own; code and effect are the same. */
    if (smfi_setreply(context, code_text, (char *)dm_refusal_status(refusal), doubled) != MI_SUCCESS)
        dm_log(DM_LOG_WARNING, "reply-text-lost", DM_S("rule", dm_refusal_rule(refusal)));
    return code >= 500 ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

/* With SMFIP_HDR_LEADSPC the blank after the colon is ours to give; without, the MTA adds it. */
static char *given_value(const DmSession *session, const char *value)
{
    return g_strconcat(session->leading_space || value[0] == '\0' ? " " : "", value, NULL);
}

static gboolean apply_edit(SMFICTX *context, const DmSession *session, const DmEdit *edit)
{
    g_autofree char *value = edit->value != NULL ? given_value(session, edit->value) : NULL;

    switch (edit->kind) {
    case DM_EDIT_DELETE:
    case DM_EDIT_CHANGE:
        return smfi_chgheader(context, edit->name, (int)edit->n, value) == MI_SUCCESS;
    case DM_EDIT_INSERT:
        return smfi_insheader(context, 0, edit->name, value) == MI_SUCCESS;
    }
    return FALSE;
}

static gboolean apply_edits(SMFICTX *context, const DmSession *session)
{
    const GArray *edits = session->verdict.edits;

    for (guint i = 0; i < edits->len; i++) {
        if (!apply_edit(context, session, &g_array_index(edits, DmEdit, i)))
            return FALSE;
    }
    return TRUE;
}

/* smfi_delrcpt() wants the address as the MTA gave it, but Postfix compares it with what it has made of it, which for
 * sendmail(1) is the plain form. Without a match it succeeds silently. */
static gboolean delete_recipient(SMFICTX *context, const char *address)
{
    DmAddress parsed;

    if (smfi_delrcpt(context, (char *)address) != MI_SUCCESS)
        return FALSE;
    if (!dm_address_parse(address, &parsed))
        return TRUE;
    g_autofree char *plain = g_strdup_printf("<%s@%s>", parsed.local, parsed.domain);
    dm_address_clear(&parsed);
    return smfi_delrcpt(context, plain) == MI_SUCCESS;
}

static gboolean apply_routes(SMFICTX *context, const DmSession *session)
{
    for (gsize i = 0; i < session->verdict.n_routes; i++) {
        const DmRoute *route = &session->verdict.routes[i];
        if (route->kind == DM_ROUTE_KEEP)
            continue;
        const DmRequestRecipient *recipient = &g_array_index(session->recipients, DmRequestRecipient, i);
        g_autofree char *address = g_strdup_printf("<%s>", route->address);
        if (!delete_recipient(context, recipient->address) ||
            smfi_addrcpt_par(context, address, route->parameters) != MI_SUCCESS)
            return FALSE;
    }
    return TRUE;
}

static gboolean apply_stamp(SMFICTX *context, const DmSession *session, const char *queue_id)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *stamp = dm_session_stamp(session, queue_id, &error);

    if (stamp == NULL) {
        dm_log(DM_LOG_ERROR, "stamp-failed", DM_S("qid", queue_id), DM_S("reason", error->message));
        return FALSE;
    }
    g_autofree char *value = given_value(session, stamp);
    return smfi_insheader(context, 0, (char *)DM_FIELD_STAMP, value) == MI_SUCCESS;
}

static void log_diverted(const DmSession *session, const char *queue_id)
{
    const DmVerdict *verdict = &session->verdict;
    g_autofree char *options = dm_options_format(verdict->options);
    g_autofree char *sender = dm_address_key(session->sender);
    gsize diverted = 0;

    for (gsize i = 0; i < verdict->n_routes; i++)
        diverted += verdict->routes[i].kind == DM_ROUTE_DIVERT ? 1 : 0;
    dm_log(DM_LOG_INFO, "diverted", DM_S("qid", queue_id), DM_S("gid", session->gateway_id),
           DM_S("tenant", verdict->tenant->name), DM_S("sender", sender), DM_S("demail", verdict->sender),
           DM_N("recipients", diverted), DM_S("options", options), DM_S("unit", verdict->unit),
           DM_S("client", session->client_address), DM_S("login", session->login));
}

static void log_ordinary(const DmSession *session, const char *queue_id)
{
    const DmVerdict *verdict = &session->verdict;
    gsize rerouted = 0;

    for (gsize i = 0; i < verdict->n_routes; i++)
        rerouted += verdict->routes[i].kind == DM_ROUTE_LOCAL ? 1 : 0;
    dm_counts_add(session->gateway, rerouted > 0 ? DM_COUNT_REROUTED : DM_COUNT_ORDINARY);
    if (rerouted > 0)
        dm_log(DM_LOG_INFO, "rerouted", DM_S("qid", queue_id), DM_S("tenant", verdict->tenant->name),
               DM_N("recipients", rerouted), DM_S("client", session->client_address));
    if (verdict->edits->len > 0)
        dm_log(DM_LOG_INFO, "cleaned", DM_S("qid", queue_id), DM_N("fields", verdict->edits->len),
               DM_S("client", session->client_address));
    if (rerouted == 0 && verdict->edits->len == 0)
        dm_log(DM_LOG_DEBUG, "ordinary", DM_S("qid", queue_id), DM_S("client", session->client_address));
}

static void log_refused(const DmSession *session, const char *queue_id)
{
    const DmVerdict *verdict = &session->verdict;
    gboolean tempfail = dm_refusal_smtp_code(verdict->refusal) < 500;
    g_autofree char *sender = dm_address_key(session->sender);

    dm_log(tempfail ? DM_LOG_WARNING : DM_LOG_INFO, tempfail ? "tempfailed" : "refused", DM_S("qid", queue_id),
           DM_S("rule", dm_refusal_rule(verdict->refusal)), DM_S("status", dm_refusal_status(verdict->refusal)),
           DM_S("client", session->client_address), DM_S("login", session->login), DM_S("sender", sender),
           DM_S("text", verdict->text), DM_S("reason", verdict->detail));
}

static sfsistat action_failed(SMFICTX *context, const DmSession *session, const char *queue_id)
{
    g_autofree char *text = dm_refusal_text(DM_REFUSAL_INTERNAL, session->gateway->config->language, NULL, NULL);

    dm_counts_add(session->gateway, DM_COUNT_FAILED);
    dm_log(DM_LOG_ERROR, "action-failed", DM_S("qid", queue_id), DM_S("effect", "the message is deferred"));
    return dm_actions_refuse(context, DM_REFUSAL_INTERNAL, text);
}

sfsistat dm_actions_apply(SMFICTX *context, const DmSession *session, const char *queue_id)
{
    const DmVerdict *verdict = &session->verdict;

    switch (verdict->kind) {
    case DM_VERDICT_ORDINARY:
        if (!apply_edits(context, session) || !apply_routes(context, session))
            return action_failed(context, session, queue_id);
        log_ordinary(session, queue_id);
        return SMFIS_CONTINUE;
    case DM_VERDICT_DEMAIL:
        if (!apply_edits(context, session) || !apply_stamp(context, session, queue_id) ||
            !apply_routes(context, session))
            return action_failed(context, session, queue_id);
        dm_counts_add(session->gateway, DM_COUNT_DIVERTED);
        log_diverted(session, queue_id);
        return SMFIS_CONTINUE;
    case DM_VERDICT_AGAIN:
        dm_counts_add(session->gateway, DM_COUNT_AGAIN);
        dm_log(DM_LOG_INFO, "passed-again", DM_S("qid", queue_id));
        return SMFIS_CONTINUE;
    case DM_VERDICT_REFUSE:
        dm_counts_add_refusal(session->gateway, verdict->refusal);
        log_refused(session, queue_id);
        return dm_actions_refuse(context, verdict->refusal, verdict->text);
    }
    return SMFIS_TEMPFAIL;
}
