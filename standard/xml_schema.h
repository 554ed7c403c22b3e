/*
 * The schema of confirmations and notifications (PVD IO 3.5.3), compiled once. What stands in ds:Signature is judged
 * by dm_xml_signature_judge(), not by the schema.
 */
#ifndef DEMAIL_STANDARD_XML_SCHEMA_H
#define DEMAIL_STANDARD_XML_SCHEMA_H

#include "common/error.h"

#include <glib.h>
#include <libxml/tree.h>

/* Called by dm_xml_start() and dm_xml_stop(). */
gboolean dm_xml_schema_start(GError **error);
void dm_xml_schema_stop(void);

/* Any thread, after dm_xml_start(). */
gboolean dm_xml_schema_valid(xmlDocPtr document);

#endif
