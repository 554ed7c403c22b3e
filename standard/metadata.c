#include "standard/metadata.h"

#include "common/demail.h"
#include "standard/statement_case.h"
#include "standard/tag_list.h"
#include "standard/xml.h"

#include <string.h>

typedef struct {
    char *name;
    char *value;    /* the element Value */
    char *original; /* the element OriginalHeader */
    char *line;     /* its value on one line; NULL where it is no field of that name */
} Metadate;

struct DmMetadata {
    GPtrArray *fields;   /* of Metadate * */
    GHashTable *by_name; /* name in lower case to the first Metadate of it; borrowed */
};

/* Fields of table 1 that every normal De-Mail has. */
static const char *const required[] = {DM_FIELD_DISPATCH,
                                       DM_FIELD_RECEIPT,
                                       DM_FIELD_RETRIEVE,
                                       DM_FIELD_AUTHORITATIVE,
                                       DM_FIELD_PRIVATE,
                                       DM_FIELD_SENDER,
                                       DM_FIELD_CHOSEN_RECIPIENT,
                                       "Subject",
                                       DM_FIELD_AUTH_LEVEL,
                                       DM_FIELD_AUTH_MECHANISM,
                                       "Date",
                                       DM_FIELD_MESSAGE_ID,
                                       DM_FIELD_PROVIDER,
                                       DM_FIELD_MESSAGE_TYPE,
                                       DM_FIELD_INTEGRITY,
                                       DM_FIELD_ACTUAL_RECIPIENT,
                                       DM_FIELD_VERSION,
                                       "From",
                                       "Message-ID"};

/* Those that only some have. */
static const char *const optional[] = {DM_FIELD_PRIVATE_ID, "Reply-To", DM_FIELD_CERTIFICATE, DM_FIELD_ACCOUNT_HOLDER};

/* Those that forwarding adds or changes. */
static const char *const changing[] = {DM_FIELD_ACTUAL_RECIPIENT, "Resent-To",  "Resent-From", "Resent-Date",
                                       "Resent-Message-ID",       "Envelope-to"};

static void free_metadate(gpointer data)
{
    Metadate *field = data;

    g_free(field->name);
    g_free(field->value);
    g_free(field->original);
    g_free(field->line);
    g_free(field);
}

/* What follows "name:" in the field `original`, on one line; NULL if that is no field, or larger than a header may be.
 */
static char *read_line(const char *original, const char *name)
{
    gsize length = strlen(name);

    if (length == 0 || g_ascii_strncasecmp(original, name, length) != 0 || strlen(original) > DM_HEADERS_MAX)
        return NULL;
    const char *colon = original + length + strspn(original + length, " \t");
    return *colon == ':' ? dm_header_unfold(colon + 1) : NULL;
}

static Metadate *read_metadate(const xmlNode *element)
{
    Metadate *field = g_new0(Metadate, 1);

    field->name = dm_xml_child_text(element, "Name");
    field->value = dm_xml_child_text(element, "Value");
    field->original = dm_xml_child_text(element, "OriginalHeader");
    g_strstrip(field->name);
    field->line = read_line(field->original, field->name);
    return field;
}

static void add(DmMetadata *metadata, Metadate *field)
{
    g_autofree char *key = g_ascii_strdown(field->name, -1);

    g_ptr_array_add(metadata->fields, field);
    if (!g_hash_table_contains(metadata->by_name, key))
        g_hash_table_insert(metadata->by_name, g_steal_pointer(&key), field);
}

DmMetadata *dm_metadata_read(const xmlNode *element)
{
    DmMetadata *metadata = g_new0(DmMetadata, 1);

    metadata->fields = g_ptr_array_new_with_free_func(free_metadate);
    metadata->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (const xmlNode *child = element->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            add(metadata, read_metadate(child));
    return metadata;
}

void dm_metadata_free(DmMetadata *metadata)
{
    if (metadata == NULL)
        return;
    g_hash_table_unref(metadata->by_name);
    g_ptr_array_unref(metadata->fields);
    g_free(metadata);
}

static const Metadate *find(const DmMetadata *metadata, const char *name)
{
    g_autofree char *key = g_ascii_strdown(name, -1);

    return g_hash_table_lookup(metadata->by_name, key);
}

const char *dm_metadata_get(const DmMetadata *metadata, const char *name)
{
    const Metadate *field = find(metadata, name);

    return field ? field->line : NULL;
}

static gboolean is_listed(const char *const *names, gsize count, const char *name)
{
    for (gsize i = 0; i < count; i++)
        if (g_ascii_strcasecmp(names[i], name) == 0)
            return TRUE;
    return FALSE;
}

#define IS_LISTED(names, name) is_listed(names, G_N_ELEMENTS(names), name)

static gboolean has_bare_newline(const char *text)
{
    for (const char *c = strchr(text, '\n'); c != NULL; c = strchr(c + 1, '\n'))
        if (c == text || c[-1] != '\r')
            return TRUE;
    return FALSE;
}

static void judge_metadate(const DmMetadata *metadata, const Metadate *field, DmFindings *findings)
{
    if (field->line == NULL)
        dm_findings_fail(findings, "confirmation.metadata-name");
    else if (!dm_case_same(field->value, field->line))
        dm_findings_fail(findings, "confirmation.metadata-value");
    if (has_bare_newline(field->original))
        dm_findings_warn(findings, "confirmation.original-header-lf");
    if (!IS_LISTED(required, field->name) && !IS_LISTED(optional, field->name) && !IS_LISTED(changing, field->name))
        dm_findings_warn(findings, "confirmation.metadata-unknown");
    else if (find(metadata, field->name) != field)
        dm_findings_warn(findings, "confirmation.metadata-duplicate");
}

static gboolean announces_signature(const char *integrity)
{
    g_autoptr(GPtrArray) tags = integrity ? dm_tag_list_read(integrity, strlen(integrity)) : NULL;
    const DmTag *algorithm = tags ? dm_tag_list_find(tags, "a") : NULL;

    return algorithm != NULL && strchr(algorithm->value, '/') != NULL;
}

static gboolean is_complete(const DmMetadata *metadata)
{
    const char *integrity = dm_metadata_get(metadata, DM_FIELD_INTEGRITY);
    const char *version = dm_metadata_get(metadata, DM_FIELD_VERSION);

    for (gsize i = 0; i < G_N_ELEMENTS(required); i++)
        if (find(metadata, required[i]) == NULL)
            return FALSE;
    if (g_strcmp0(version, "1.0") != 0 && find(metadata, DM_FIELD_ACCOUNT_HOLDER) == NULL)
        return FALSE;
    return !announces_signature(integrity) || find(metadata, DM_FIELD_CERTIFICATE) != NULL;
}

void dm_metadata_judge(const DmMetadata *metadata, DmFindings *findings)
{
    for (guint i = 0; i < metadata->fields->len; i++)
        judge_metadate(metadata, g_ptr_array_index(metadata->fields, i), findings);
    if (!is_complete(metadata))
        dm_findings_fail(findings, "confirmation.metadata-missing");
}

static gboolean agree_on(const DmMetadata *metadata, const DmHeaders *original, const char *name)
{
    g_autofree char *there = dm_case_field(original, name);

    return dm_case_same(dm_metadata_get(metadata, name), there);
}

gboolean dm_metadata_agree(const DmMetadata *metadata, const DmHeaders *original)
{
    for (gsize i = 0; i < G_N_ELEMENTS(required); i++)
        if (!IS_LISTED(changing, required[i]) && !agree_on(metadata, original, required[i]))
            return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(optional); i++)
        if (!agree_on(metadata, original, optional[i]))
            return FALSE;
    return TRUE;
}
