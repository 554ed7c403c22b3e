/*
 * Prints what the programs know and the manual pages repeat, as one JSON object: `keys` of demail.conf(5), `refusals`
 * of the milter, `replies` of the poller, and `results`: what an MTA is told of a De-Mail that the provider accepted, or
 * refused or deferred with each of the codes in the arguments.
 */
#include "common/config_schema.h"
#include "common/refusal.h"
#include "poller/reply.h"

#include <jansson.h>
#include <stdio.h>

static json_t *keys(void)
{
    json_t *list = json_array();

    for (const DmConfigGroup *group = dm_config_groups; group->name != NULL; group++) {
        for (const DmConfigKey *key = group->keys; key->name != NULL; key++)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s?, s:b}", "group", group->name, "key", key->name, "default",
                                            key->preset, "table", (int)(key->rule.type == DM_VALUE_TABLE)));
    }
    return list;
}

static json_t *refusals(void)
{
    json_t *list = json_array();

    for (DmRefusal refusal = 0; refusal < DM_REFUSAL_COUNT; refusal++) {
        g_autofree char *reply = g_strdup_printf("%u %s", dm_refusal_smtp_code(refusal), dm_refusal_status(refusal));
        g_autofree char *en = dm_refusal_text(refusal, DM_LANGUAGE_EN, "$1", "$2");
        g_autofree char *de = dm_refusal_text(refusal, DM_LANGUAGE_DE, "$1", "$2");

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "rule", dm_refusal_rule(refusal), "reply", reply,
                                              "en", en, "de", de));
    }
    return list;
}

static json_t *replies(void)
{
    json_t *list = json_array();

    for (DmReply reply = 0; reply < DM_REPLY_COUNT; reply++) {
        g_autofree char *en = dm_reply(reply, DM_LANGUAGE_EN, "$1", "$2");
        g_autofree char *de = dm_reply(reply, DM_LANGUAGE_DE, "$1", "$2");

        json_array_append_new(list, json_pack("{s:s, s:s}", "en", en, "de", de));
    }
    return list;
}

static void add_result(json_t *results, DmSentState state, const char *code)
{
    DmSent sent = {.state = state, .code = (char *)code, .detail = (char *)"DETAIL", .provider_id = (char *)"ID"};
    g_autofree char *en = dm_reply_sent("ADDRESS", &sent, DM_LANGUAGE_EN);
    g_autofree char *de = dm_reply_sent("ADDRESS", &sent, DM_LANGUAGE_DE);

    json_array_append_new(results, json_pack("{s:s, s:s, s:s}", "code", code, "en", en, "de", de));
}

static json_t *results(int count, char **codes)
{
    json_t *list = json_array();

    add_result(list, DM_SENT_ACCEPTED, "");
    for (int i = 0; i < count; i++) {
        add_result(list, DM_SENT_REFUSED, codes[i]);
        add_result(list, DM_SENT_DEFERRED, codes[i]);
    }
    return list;
}

int main(int argc, char **argv)
{
    json_t *facts = json_pack("{s:o, s:o, s:o, s:o}", "keys", keys(), "refusals", refusals(), "replies", replies(),
                              "results", results(argc - 1, argv + 1));
    int printed = facts != NULL ? json_dumpf(facts, stdout, JSON_INDENT(1)) : -1;

    json_decref(facts);
    return printed == 0 ? 0 : 1;
}
