#include "milter/callbacks.h"

#include "common/log.h"
#include "milter/actions.h"
#include "milter/session.h"

#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT)
#define NOTHING "{demail_nothing}"
#define QUIET   (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR)

/* The macros that we read, at the stages where the MTAs know them: Sendmail has the queue id at MAIL, Postfix at DATA,
 * and libmilter keeps what came. An MTA sends its defaults for a stage that is not named, and Postfix those of the end of
 * header before every field: NOTHING has no value, and costs least. */
static gboolean ask_for_macros(SMFICTX *context)
{
    static const struct {
        int stage;
        const char *macros;
    } lists[] = {
        {SMFIM_CONNECT, NOTHING}, {SMFIM_HELO, NOTHING}, {SMFIM_ENVFROM, "i {auth_authen}"},
        {SMFIM_ENVRCPT, NOTHING}, {SMFIM_DATA, "i"},     {SMFIM_EOH, NOTHING},
        {SMFIM_EOM, NOTHING},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        if (smfi_setsymlist(context, lists[i].stage, (char *)lists[i].macros) != MI_SUCCESS)
            return FALSE;
    }
    return TRUE;
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

/* Known since the first stage at which the MTA has given it one. */
static const char *queue_id_of(SMFICTX *context)
{
    const char *queue_id = smfi_getsymval(context, (char *)"i");

    return queue_id != NULL ? queue_id : "";
}

static gboolean decide(SMFICTX *context, DmSession *session)
{
    g_autoptr(GError) error = NULL;

    if (dm_session_decide(session, &error))
        return TRUE;
    dm_log(DM_LOG_ERROR, "action-failed", DM_S("qid", queue_id_of(context)), DM_S("reason", error->message));
    return FALSE;
}

/* All that the verdict needs is here now. What is to stay as it is needs us no more: Postfix, which hands on no body,
 * would yet read its file to the end before it asks us again. The others can be acted upon at the end of the message
 * only. */
static sfsistat on_end_of_header(SMFICTX *context)
{
    DmSession *session = smfi_getpriv(context);

    if (!decide(context, session))
        return SMFIS_TEMPFAIL;
    if (!dm_session_is_untouched(session))
        return SMFIS_CONTINUE;
    sfsistat answer = dm_actions_apply(context, session, queue_id_of(context));
    dm_session_reset(session);
    return answer == SMFIS_CONTINUE ? SMFIS_ACCEPT : answer;
}

static sfsistat on_end_of_message(SMFICTX *context)
{
    DmSession *session = smfi_getpriv(context);

    if (!decide(context, session))
        return SMFIS_TEMPFAIL;
    sfsistat answer = dm_actions_apply(context, session, queue_id_of(context));
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
    .xxfi_eoh = on_end_of_header,
    .xxfi_eom = on_end_of_message,
    .xxfi_abort = on_abort,
    .xxfi_close = on_close,
    .xxfi_negotiate = on_negotiate,
};
