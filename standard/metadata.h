/*
 * The metadata in a confirmation: the fields of the message that it confirms (PVD IO 3.5.1, table 24).
 */
#ifndef DEMAIL_STANDARD_METADATA_H
#define DEMAIL_STANDARD_METADATA_H

#include "common/header.h"
#include "standard/findings.h"

#include <glib.h>
#include <libxml/tree.h>

/* Fields in the order of the document, values as in OriginalHeader (what was hashed). */
typedef struct DmMetadata DmMetadata;

/* Reads the element Metadata, which is valid by the schema. */
DmMetadata *dm_metadata_read(const xmlNode *element);
void dm_metadata_free(DmMetadata *metadata);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMetadata, dm_metadata_free)

/* The value of the first field of that name on one line, or NULL. */
const char *dm_metadata_get(const DmMetadata *metadata, const char *name);

/* Each alone: Value is what OriginalHeader says, and that is a field of the name. All: every field is there that a
 * message must have (table 1). */
void dm_metadata_judge(const DmMetadata *metadata, DmFindings *findings);

/* Whether they are those of `original`; fields that change on the way do not count. */
gboolean dm_metadata_agree(const DmMetadata *metadata, const DmHeaders *original);

#endif
