#include "milter/callbacks.h"

#include "common/log.h"
#include "common/stamp.h"
#include "milter/actions.h"
#include "milter/session.h"

#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT)
#define QUIET   (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR)

/* The macros that we read, at the stage where both MTAs know them. An MTA sends its defaults for a stage that is not
 * named. */
static gboolean ask_for_macros(SMFICTX *context)
{
    return smfi_setsymlist(context, SMFIM_CONNECT, (char *)"j") == MI_SUCCESS &&
           smfi_setsymlist(context, SMFIM_ENVFROM, (char *)"{auth_authen}") == MI_SUCCESS &&
           smfi_setsymlist(context, SMFIM_ENVRCPT, (char *)"i") == MI_SUCCESS &&
           smfi_setsymlist(context, SMFIM_EOM, (char *)"i") == MI_SUCCESS;
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
                             unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
    (void)f2;
    (void)f3;
    if ((f0 & ACTIONS) != ACTIONS) {
        dm_log(DM_LOG_ERROR, "negotiation-failed",
               DM_S("reason",
                    "the MTA does not offer every action that De-Mail needs; use Postfix 2.6 or Sendmail 8.14 "
                    "or newer"));
        return SMFIS_REJECT;
    }
    if (!ask_for_macros(context)) {
        dm_log(DM_LOG_ERROR, "negotiation-failed", DM_S("reason", "the list of macros was not taken"));
        return SMFIS_REJECT;
    }
    /* *pf1 comes with the SMFIP_NO* of the callbacks that we left out; what is not offered libmilter makes up for. */
    *pf0 = ACTIONS;
    *pf1 |= QUIET | (f1 & SMFIP_HDR_LEADSPC);
    *pf2 = 0;
    *pf3 = 0;
    DmSession *session = dm_session_new((f1 & SMFIP_HDR_LEADSPC) != 0);
    if (smfi_setpriv(context, session) == MI_SUCCESS)
        return SMFIS_CONTINUE;
    dm_session_free(session);
    return SMFIS_REJECT;
}

static sfsistat on_connect(SMFICTX *context, char *host, struct sockaddr *address)
{
    DmSession *session = smfi_getpriv(context);

    (void)host;
    if (session == NULL)
        return SMFIS_TEMPFAIL;
    dm_session_connect(session, address);
    return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
    DmSession *session = smfi_getpriv(context);

    if (session == NULL)
        return SMFIS_TEMPFAIL;
    dm_session_mail(session, arguments, smfi_getsymval(context, (char *)"{auth_authen}"));
    return SMFIS_NOREPLY;
}

static sfsistat on_rcpt(SMFICTX *context, char **arguments)
{
    dm_session_rcpt(smfi_getpriv(context), arguments);
    return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
    dm_session_header(smfi_getpriv(context), name, value);
    return SMFIS_NOREPLY;
}

static sfsistat on_end_of_message(SMFICTX *context)
{
    DmSession *session = smfi_getpriv(context);
    g_autoptr(GError) error = NULL;
    g_autofree char *gateway_id = dm_stamp_new_id(&error);
    const char *queue_id = smfi_getsymval(context, (char *)"i");
    DmVerdict verdict;

    if (gateway_id == NULL) {
        dm_log(DM_LOG_ERROR, "action-failed", DM_S("qid", queue_id), DM_S("reason", error->message));
        return SMFIS_TEMPFAIL;
    }
    dm_session_decide(session, gateway_id, &verdict);
    sfsistat answer = dm_actions_apply(context, session, &verdict, gateway_id, queue_id != NULL ? queue_id : "");
    dm_verdict_clear(&verdict);
    dm_session_reset(session);
    return answer;
}

/* May come after an end of message as well: libmilter lets RSET and QUIT through. */
static sfsistat on_abort(SMFICTX *context)
{
    DmSession *session = smfi_getpriv(context);

    if (session != NULL)
        dm_session_reset(session);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    dm_session_free(smfi_getpriv(context));
    smfi_setpriv(context, NULL);
    return SMFIS_CONTINUE;
}

struct smfiDesc dm_milter_description = {
    .xxfi_name = (char *)"demail-milter",
    .xxfi_version = SMFI_VERSION,
    .xxfi_flags = ACTIONS,
    .xxfi_connect = on_connect,
    .xxfi_envfrom = on_mail,
    .xxfi_envrcpt = on_rcpt,
    .xxfi_header = on_header,
    .xxfi_eom = on_end_of_message,
    .xxfi_abort = on_abort,
    .xxfi_close = on_close,
    .xxfi_negotiate = on_negotiate,
};
