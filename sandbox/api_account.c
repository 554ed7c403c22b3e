#include "sandbox/api_account.h"

#include "common/log.h"
#include "sandbox/retrieval.h"

static const char *level_of(const DmAccount *account)
{
    return account->high ? "high" : "normal";
}

DmReply *dm_api_login(DmSandbox *sandbox, DmRequest *request)
{
    g_autofree char *detail = NULL;
    g_autoptr(json_t) json = dm_request_json(request, &detail);
    if (!json)
        return dm_reply_problem(400, "invalid-request", FALSE, "%s", detail);
    const char *name = dm_json_text(json, "account", "");
    const DmAccount *account = dm_accounts_find(sandbox->accounts, name);
    g_autofree char *token = NULL;
    guint left = 0;
    DmLoginResult result =
        dm_sessions_login(sandbox->sessions, account, dm_json_text(json, "password", ""), &token, &left);
    switch (result) {
    case DM_LOGIN_DONE:
        break;
    case DM_LOGIN_WRONG_PASSWORD:
        dm_log(DM_LOG_WARNING, "wrong-password", DM_S("account", name));
        return dm_reply_problem_with(401, "wrong-password", "account or password is wrong", "attempts_left",
                                     json_integer(left));
    case DM_LOGIN_BLOCKED:
        return dm_reply_problem(403, "account-blocked", FALSE, "the account is blocked");
    }
    if (!token)
        return dm_reply_problem(500, "internal", TRUE, "no session can be made");
    g_autoptr(GError) problem = NULL;
    if (account->high && !dm_retrieval_login(sandbox, account, &problem))
        return dm_reply_failure(problem);
    return dm_reply_json(201, json_pack("{s:s, s:s, s:I}", "token", token, "auth_level", level_of(account),
                                        "expires_in", (json_int_t)dm_sessions_lifetime(sandbox->sessions)));
}

DmReply *dm_api_logout(DmSandbox *sandbox, DmRequest *request)
{
    dm_sessions_end(sandbox->sessions, request->token);
    return dm_reply_new(204);
}

DmReply *dm_api_account(DmSandbox *sandbox, DmRequest *request)
{
    const DmAccount *account = request->account;
    json_t *limits = json_pack("{s:I, s:I}", "message_size", (json_int_t)account->message_size, "recipients",
                               (json_int_t)account->recipients);
    json_t *quota = json_pack("{s:I, s:I}", "used", (json_int_t)dm_store_used(sandbox->store, account->name), "total",
                              (json_int_t)account->quota);
    return dm_reply_json(200, json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:s*}", "account", account->name, "holder",
                                        account->holder, "addresses", dm_json_from_list(account->addresses), "domains",
                                        dm_json_from_list(account->domains), "limits", limits, "may_request_retrieve",
                                        (int)account->may_request_retrieve, "quota", quota, "password_expires",
                                        account->password_expires));
}

DmReply *dm_api_directory(DmSandbox *sandbox, DmRequest *request)
{
    const char *address = dm_request_query(request, "address");
    if (!address)
        return dm_reply_problem(400, "invalid-request", FALSE, "address is missing in the query");
    const DmAccount *owner = dm_accounts_owner(sandbox->accounts, address);
    if (!owner || owner->state == DM_ACCOUNT_CLOSED)
        return dm_reply_problem_with(404, "unknown-recipient", "the address is not known", "address",
                                     json_string(address));
    return dm_reply_json(
        200, json_pack("{s:s, s:s, s:s}", "address", address, "holder", owner->holder, "auth_level", level_of(owner)));
}
