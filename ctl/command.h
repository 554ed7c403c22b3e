/*
 * The commands of demailctl. Each parses its own arguments (argv[0] is the command's name), prints its result on
 * standard output and its complaints on standard error, and returns a sysexits(3) code.
 */
#ifndef DEMAIL_CTL_COMMAND_H
#define DEMAIL_CTL_COMMAND_H

#include <glib.h>

#define DM_CTL_NAME "demailctl"

typedef struct {
    const char *config_file; /* -c */
    gboolean json;           /* --json */
} DmCtl;

int dm_ctl_archive(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_check(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_drop(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_explain(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_export(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_messages(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_metrics(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_postmap(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_query(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_report(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_retry(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_show(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_status(const DmCtl *ctl, int argc, char **argv);
int dm_ctl_verify(const DmCtl *ctl, int argc, char **argv);

/* Parses a command's options; what is left in argv are its operands. FALSE: the complaint has been made, EX_USAGE. */
gboolean dm_ctl_options(const char *command, const char *operands, const GOptionEntry *entries, int *argc,
                        char ***argv);

#endif
