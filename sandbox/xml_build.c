#include "sandbox/xml_build.h"

/* XML 1.0 has no way to write most control characters. */
static char *printable(const char *text)
{
    char *copy = g_utf8_make_valid(text, -1);
    for (char *c = copy; *c; c++) {
        if (g_ascii_iscntrl(*c) && *c != '\t' && *c != '\n' && *c != '\r')
            *c = '?';
    }
    return copy;
}

xmlNodePtr dm_xml_add(xmlNodePtr parent, const char *name, const char *text)
{
    g_autofree char *clean = printable(text);
    return xmlNewTextChild(parent, NULL, BAD_CAST name, BAD_CAST clean);
}

char *dm_xml_time(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);
    return g_date_time_format(time, "%Y-%m-%dT%H:%M:%S%:z");
}

xmlNodePtr dm_xml_add_time(xmlNodePtr parent, const char *name, gint64 seconds)
{
    g_autofree char *time = dm_xml_time(seconds);
    return dm_xml_add(parent, name, time);
}

char *dm_xml_write(xmlDocPtr document, GError **error)
{
    xmlChar *bytes = NULL;
    int length = 0;
    xmlDocDumpMemoryEnc(document, &bytes, &length, "UTF-8");
    if (!bytes) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "an XML document can't be written: out of memory");
        return NULL;
    }
    char *text = g_strndup((const char *)bytes, (gsize)length);
    xmlFree(bytes);
    return text;
}
