#include "milter/session.h"

#include "common/demail.h"
#include "common/stamp.h"

#include <arpa/inet.h>
#include <string.h>

static void clear_recipient(gpointer data)
{
    DmRequestRecipient *recipient = data;

    g_free((char *)recipient->address);
    g_free((char *)recipient->orcpt);
    g_free((char *)recipient->notify);
}

DmSession *dm_session_new(gboolean leading_space)
{
    DmSession *session = g_new0(DmSession, 1);

    session->leading_space = leading_space;
    session->recipients = g_array_new(FALSE, FALSE, sizeof(DmRequestRecipient));
    g_array_set_clear_func(session->recipients, clear_recipient);
    return session;
}

void dm_session_reset(DmSession *session)
{
    g_clear_pointer(&session->login, g_free);
    g_clear_pointer(&session->sender, g_free);
    g_clear_pointer(&session->headers, dm_headers_free);
    g_array_set_size(session->recipients, 0);
    session->header_too_large = FALSE;
    session->reserved_lost = FALSE;
    if (session->decided)
        dm_verdict_clear(&session->verdict);
    session->decided = FALSE;
    g_clear_pointer(&session->gateway_id, g_free);
    g_clear_pointer(&session->gateway, dm_gateway_unref);
}

void dm_session_free(DmSession *session)
{
    if (session == NULL)
        return;
    dm_session_reset(session);
    g_array_unref(session->recipients);
    g_free(session->client_address);
    g_free(session);
}

void dm_session_connect(DmSession *session, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    const void *bytes = NULL;

    g_clear_pointer(&session->client_address, g_free);
    if (address != NULL && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address != NULL && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (bytes != NULL && inet_ntop(address->sa_family, bytes, text, sizeof text) != NULL)
        session->client_address = g_strdup(text);
}

void dm_session_mail(DmSession *session, char *const *arguments, const char *login)
{
    dm_session_reset(session);
    session->gateway = dm_gateway_current();
    session->sender = g_strdup(arguments[0] != NULL ? arguments[0] : "");
    session->login = login != NULL && login[0] != '\0' ? g_strdup(login) : NULL;
    session->headers = dm_headers_new();
}

/* The value of the ESMTP parameter `keyword` ("ORCPT="), copied; NULL if it was not given. */
static char *parameter(char *const *parameters, const char *keyword)
{
    for (char *const *one = parameters; *one != NULL; one++) {
        if (g_ascii_strncasecmp(*one, keyword, strlen(keyword)) == 0)
            return g_strdup(*one + strlen(keyword));
    }
    return NULL;
}

void dm_session_rcpt(DmSession *session, char *const *arguments)
{
    if (arguments[0] == NULL)
        return;
    DmRequestRecipient recipient = {
        .address = g_strdup(arguments[0]),
        .orcpt = parameter(arguments + 1, "ORCPT="),
        .notify = parameter(arguments + 1, "NOTIFY="),
    };
    g_array_append_val(session->recipients, recipient);
}

void dm_session_header(DmSession *session, const char *name, const char *value)
{
    if (session->headers == NULL || !dm_policy_needs_field(name))
        return;
    g_autofree char *spaced = session->leading_space ? NULL : g_strconcat(" ", value, NULL);
    if (dm_headers_append(session->headers, name, spaced != NULL ? spaced : value, NULL))
        return;
    session->header_too_large = TRUE;
    session->reserved_lost = session->reserved_lost || dm_field_is_reserved(name);
}

gboolean dm_session_decide(DmSession *session, GError **error)
{
    if (session->decided)
        return TRUE;
    session->gateway_id = dm_stamp_new_id(error);
    if (session->gateway_id == NULL)
        return FALSE;

    const DmRequest request = {
        .client_address = session->client_address,
        .login = session->login,
        .sender = session->sender,
        .recipients = (const DmRequestRecipient *)(const void *)session->recipients->data,
        .n_recipients = session->recipients->len,
        .headers = session->headers,
        .header_too_large = session->header_too_large,
        .reserved_lost = session->reserved_lost,
        .gateway_id = session->gateway_id,
        .now = g_get_real_time() / G_USEC_PER_SEC,
    };
    dm_policy_decide(session->gateway, &request, &session->verdict);
    session->decided = TRUE;
    return TRUE;
}

gboolean dm_session_is_untouched(const DmSession *session)
{
    const DmVerdict *verdict = &session->verdict;

    if (verdict->kind != DM_VERDICT_ORDINARY || verdict->edits->len > 0)
        return FALSE;
    for (gsize i = 0; i < verdict->n_routes; i++) {
        if (verdict->routes[i].kind != DM_ROUTE_KEEP)
            return FALSE;
    }
    return TRUE;
}

/* The header with the verdict's edits made. */
static DmHeaders *edited_headers(const DmHeaders *headers, const GArray *edits, GError **error)
{
    g_autoptr(DmHeaders) edited = dm_headers_new();

    for (guint i = 0; i < dm_headers_length(headers); i++) {
        const DmHeader *field = dm_headers_at(headers, i);
        if (!dm_field_is_reserved(field->name) && !dm_headers_append(edited, field->name, field->value, error))
            return NULL;
    }
    for (guint i = 0; i < edits->len; i++) {
        const DmEdit *edit = &g_array_index(edits, DmEdit, i);
        if (edit->kind == DM_EDIT_INSERT)
            dm_headers_prepend(edited, edit->name, edit->value);
        else if (edit->kind == DM_EDIT_CHANGE)
            dm_headers_replace(edited, edit->name, edit->n, edit->value);
    }
    return g_steal_pointer(&edited);
}

char *dm_session_stamp(const DmSession *session, const char *queue_id, GError **error)
{
    const DmVerdict *verdict = &session->verdict;
    g_autoptr(DmHeaders) edited = edited_headers(session->headers, verdict->edits, error);
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();

    if (edited == NULL)
        return NULL;
    for (gsize i = 0; i < verdict->n_routes; i++) {
        if (verdict->routes[i].kind == DM_ROUTE_DIVERT)
            g_ptr_array_add(recipients, verdict->routes[i].demail);
    }
    return dm_stamp_make(session->gateway->stamp_key, session->gateway_id, queue_id, verdict->tenant->name,
                         verdict->unit, 0, recipients, session->sender, edited, error);
}
