#include "sandbox/json.h"

json_t *dm_json_from_list(char *const *list)
{
    json_t *array = json_array();
    for (gsize i = 0; list[i]; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

char **dm_json_to_list(const json_t *array, gsize max)
{
    if (array && (!json_is_array(array) || json_array_size(array) > max))
        return NULL;
    gsize length = json_array_size(array);
    g_auto(GStrv) list = g_new0(char *, length + 1);
    for (gsize i = 0; i < length; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text)
            return NULL;
        list[i] = g_strdup(text);
    }
    return g_steal_pointer(&list);
}

const char *dm_json_text(const json_t *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : fallback;
}
