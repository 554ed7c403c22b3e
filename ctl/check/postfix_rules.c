#include "ctl/check/postfix_rules.h"

void dm_rules_add(DmRules *rules, DmCheckSeverity severity, const char *code, char *problem, const char *why,
                  char *command)
{
    dm_check_findings_add(
        rules->findings,
        (DmCheckFinding){
            .code = code, .severity = severity, .problem = problem, .why = why, .command = command, .script = TRUE});
}

char *dm_rules_place(const DmPostfixService *service, const char *setting)
{
    if (dm_postfix_overrides(service, setting))
        return g_strdup_printf("master.cf: %s/%s", service->name, service->type);
    return g_strdup("main.cf");
}

void dm_rules_postfix(DmRules *rules)
{
    dm_rules_find_inject(rules);
    dm_rules_milters(rules);
    dm_rules_inject(rules);
    dm_rules_routes(rules);
    dm_rules_limits(rules);
}
