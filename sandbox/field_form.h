/*
 * Header fields of a draft in the form in which they can be sealed and sent: ASCII, folded, no line longer than RFC
 * 2822 allows (PVD IO 3.1.21, conditions 3 and 5).
 */
#ifndef DEMAIL_SANDBOX_FIELD_FORM_H
#define DEMAIL_SANDBOX_FIELD_FORM_H

#include "common/header.h"

#include <glib.h>

/* A copy of the header; fields that are in form already are the same. DM_ERROR_PERMANENT names a field that can't be
 * brought into it. */
DmHeaders *dm_field_form_all(const DmHeaders *headers, GError **error);

#endif
