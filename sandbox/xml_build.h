/*
 * Writing XML: elements with text, times, the document as bytes.
 */
#ifndef DEMAIL_SANDBOX_XML_BUILD_H
#define DEMAIL_SANDBOX_XML_BUILD_H

#include "common/error.h"

#include <glib.h>
#include <libxml/tree.h>

/* A child of `parent` in its namespace, the last one. `text`: what UTF-8 and XML 1.0 can't hold becomes "?". */
xmlNodePtr dm_xml_add(xmlNodePtr parent, const char *name, const char *text);

/* The same with an xs:dateTime in local time. */
xmlNodePtr dm_xml_add_time(xmlNodePtr parent, const char *name, gint64 seconds);

/* xs:dateTime of `seconds` since 1970. Free with g_free(). */
char *dm_xml_time(gint64 seconds);

/* The document in UTF-8. DM_ERROR_OS if the library refuses. Free with g_free(). */
char *dm_xml_write(xmlDocPtr document, GError **error);

#endif
