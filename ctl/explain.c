#include "common/demail.h"
#include "common/gateway.h"
#include "common/policy.h"
#include "common/stamp.h"
#include "ctl/command.h"
#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

typedef struct {
    char *from;
    char *sender;
    char *login;
    char *client;
    char **to;
    char **headers;
} Question;

static void clear_question(Question *question)
{
    g_free(question->from);
    g_free(question->sender);
    g_free(question->login);
    g_free(question->client);
    g_strfreev(question->to);
    g_strfreev(question->headers);
}

/* The header that was asked about; From is made from --from where it is not given. *too_large as the milter has it. */
static DmHeaders *build_headers(const Question *question, gboolean *too_large, GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();

    for (char **line = question->headers; line != NULL && *line != NULL; line++) {
        const char *colon = strchr(*line, ':');
        if (colon == NULL || colon == *line) {
            g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "--header '%s': write it as 'Name: value'", *line);
            return NULL;
        }
        g_autofree char *name = g_strndup(*line, (gsize)(colon - *line));
        if (dm_policy_needs_field(name) && !dm_headers_append(headers, name, colon + 1, NULL))
            *too_large = TRUE;
    }
    if (dm_headers_count(headers, "From") == 0)
        dm_headers_prepend(headers, "From", question->from);
    return g_steal_pointer(&headers);
}

static const char *kind_word(const DmVerdict *verdict)
{
    switch (verdict->kind) {
    case DM_VERDICT_ORDINARY:
        return "ordinary";
    case DM_VERDICT_DEMAIL:
        return "demail";
    case DM_VERDICT_AGAIN:
        return "again";
    case DM_VERDICT_REFUSE:
        return dm_refusal_smtp_code(verdict->refusal) >= 500 ? "refused" : "tempfailed";
    }
    return "";
}

static const char *edit_word(DmEditKind kind)
{
    switch (kind) {
    case DM_EDIT_DELETE:
        return "delete";
    case DM_EDIT_CHANGE:
        return "change";
    case DM_EDIT_INSERT:
        return "insert";
    }
    return "";
}

static void print_edits(const DmVerdict *verdict)
{
    for (guint i = 0; i < verdict->edits->len; i++) {
        const DmEdit *edit = &g_array_index(verdict->edits, DmEdit, i);
        g_autofree char *value = edit->value != NULL ? dm_header_unfold(edit->value) : NULL;
        printf("header:    %s %s%s%s\n", edit_word(edit->kind), edit->name, value != NULL ? ": " : "",
               value != NULL ? value : "");
    }
}

static void print_text(const DmVerdict *verdict, const Question *question)
{
    printf("verdict:   %s\n", kind_word(verdict));
    if (verdict->kind == DM_VERDICT_REFUSE)
        printf("rule:      %s\nreply:     %u %s %s\n", dm_refusal_rule(verdict->refusal),
               dm_refusal_smtp_code(verdict->refusal), dm_refusal_status(verdict->refusal), verdict->text);
    if (verdict->kind == DM_VERDICT_DEMAIL) {
        g_autofree char *options = dm_options_format(verdict->options);
        printf("tenant:    %s\nsender:    %s\noptions:   %s\n", verdict->tenant->name, verdict->sender, options);
    }
    for (gsize i = 0; i < verdict->n_routes; i++)
        printf("recipient: %s -> %s\n", question->to[i],
               verdict->routes[i].address != NULL ? verdict->routes[i].address : "as e-mail");
    print_edits(verdict);
    for (guint i = 0; i < verdict->trace->len; i++)
        printf("because:   %s\n", (const char *)g_ptr_array_index(verdict->trace, i));
}

static json_t *json_routes(const DmVerdict *verdict, const Question *question)
{
    json_t *routes = json_array();

    for (gsize i = 0; i < verdict->n_routes; i++) {
        g_autofree char *asked = g_utf8_make_valid(question->to[i], -1);
        json_array_append_new(routes,
                              json_pack("{s:s, s:s?}", "recipient", asked, "goes_to", verdict->routes[i].address));
    }
    return routes;
}

static void print_json(const DmVerdict *verdict, const Question *question)
{
    gboolean refused = verdict->kind == DM_VERDICT_REFUSE;
    gboolean demail = verdict->kind == DM_VERDICT_DEMAIL;
    g_autofree char *options = demail ? dm_options_format(verdict->options) : NULL;
    json_t *result =
        json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:o, s:o}", "verdict", kind_word(verdict), "text", verdict->text,
                  "tenant", demail ? verdict->tenant->name : NULL, "sender", demail ? verdict->sender : NULL, "options",
                  options, "recipients", json_routes(verdict, question), "because", dm_output_strings(verdict->trace));

    if (refused) {
        json_object_set_new(result, "rule", json_string(dm_refusal_rule(verdict->refusal)));
        json_object_set_new(result, "code", json_integer((json_int_t)dm_refusal_smtp_code(verdict->refusal)));
        json_object_set_new(result, "status", json_string(dm_refusal_status(verdict->refusal)));
    }
    dm_output_json(result);
}

/* With the stamp key where it may be read; without it a message that comes by again is not recognised. */
static DmGateway *open_gateway(const DmCtl *ctl, int *exit_code)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) without_stamp = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    DmGateway *gateway = dm_gateway_open(ctl->config_file, DM_GATEWAY_POLICY | DM_GATEWAY_STAMP, problems, NULL);

    if (gateway != NULL)
        return gateway;
    gateway = dm_gateway_open(ctl->config_file, DM_GATEWAY_POLICY, without_stamp, &error);
    for (guint i = 0; i < problems->len; i++) {
        g_autofree char *line = g_strdup_printf("%s%s", gateway != NULL ? "stamps are not checked: " : "",
                                                (const char *)g_ptr_array_index(problems, i));
        dm_output_complain(line);
    }
    if (gateway == NULL)
        *exit_code = error != NULL ? dm_error_exit_code(error) : EX_CONFIG;
    return gateway;
}

static void decide(const DmGateway *gateway, const Question *question, const DmHeaders *headers, gboolean too_large,
                   const char *gateway_id, DmVerdict *verdict)
{
    guint n = g_strv_length(question->to);
    g_autofree DmRequestRecipient *recipients = g_new0(DmRequestRecipient, n);

    for (guint i = 0; i < n; i++)
        recipients[i].address = question->to[i];
    const DmRequest request = {
        .client_address = question->client,
        .login = question->login,
        .sender = question->sender != NULL ? question->sender : question->from,
        .recipients = recipients,
        .n_recipients = n,
        .headers = headers,
        .header_too_large = too_large,
        .gateway_id = gateway_id,
        .now = g_get_real_time() / G_USEC_PER_SEC,
        .trace = TRUE,
    };
    dm_policy_decide(gateway, &request, verdict);
}

static int explain(const DmCtl *ctl, const Question *question, gboolean json)
{
    g_autoptr(GError) error = NULL;
    gboolean too_large = FALSE;
    int exit_code = EX_OK;
    DmVerdict verdict;

    g_autoptr(DmGateway) gateway = open_gateway(ctl, &exit_code);
    if (gateway == NULL)
        return exit_code;
    g_autoptr(DmHeaders) headers = build_headers(question, &too_large, &error);
    g_autofree char *gateway_id = headers != NULL ? dm_stamp_new_id(&error) : NULL;
    if (gateway_id == NULL) {
        dm_output_complain(error->message);
        return dm_error_exit_code(error);
    }
    decide(gateway, question, headers, too_large, gateway_id, &verdict);
    if (json)
        print_json(&verdict, question);
    else
        print_text(&verdict, question);
    dm_verdict_clear(&verdict);
    return EX_OK;
}

int dm_ctl_explain(const DmCtl *ctl, int argc, char **argv)
{
    Question question = {0};
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"from", 0, 0, G_OPTION_ARG_FILENAME, &question.from, "From address, and envelope sender", "ADDRESS"},
        {"sender", 0, 0, G_OPTION_ARG_FILENAME, &question.sender, "Envelope sender, where it is another", "ADDRESS"},
        {"login", 0, 0, G_OPTION_ARG_FILENAME, &question.login, "SMTP AUTH login", "LOGIN"},
        {"client", 0, 0, G_OPTION_ARG_FILENAME, &question.client, "Address of the client", "IP"},
        {"to", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &question.to, "Envelope recipient (may be repeated)", "ADDRESS"},
        {"header", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &question.headers, "Header field (may be repeated)",
         "'NAME: VALUE'"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = EX_USAGE;

    if (dm_ctl_options("explain", "", entries, &argc, &argv)) {
        if (argc > 1 || question.from == NULL || question.client == NULL || question.to == NULL)
            dm_output_complain("explain: give --from ADDRESS, --client IP and --to ADDRESS; "
                               "demailctl explain --help lists the rest");
        else if (!g_hostname_is_ip_address(question.client))
            dm_output_complain("explain: --client is no address; write such as 192.0.2.7 or 2001:db8::7");
        else
            exit_code = explain(ctl, &question, json);
    }
    clear_question(&question);
    return exit_code;
}
