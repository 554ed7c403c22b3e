#include "sandbox/folders.h"

typedef struct {
    GTree *all[DM_FOLDER_COUNT]; /* &message->seq -> message */
    GTree *fresh[DM_FOLDER_COUNT];
    GTree *awaiting; /* what awaits a login */
    gint64 used;
} Mailbox;

struct DmFolders {
    GHashTable *messages;  /* id -> DmMessage *, owned */
    GHashTable *mailboxes; /* account -> Mailbox * */
    GHashTable *files;     /* names of data files in use */
};

static gint compare_seq(gconstpointer a, gconstpointer b)
{
    gint64 left = *(const gint64 *)a;
    gint64 right = *(const gint64 *)b;
    return (left > right) - (left < right);
}

static void mailbox_free(gpointer data)
{
    Mailbox *mailbox = data;
    for (guint i = 0; i < DM_FOLDER_COUNT; i++) {
        g_tree_unref(mailbox->all[i]);
        g_tree_unref(mailbox->fresh[i]);
    }
    g_tree_unref(mailbox->awaiting);
    g_free(mailbox);
}

static Mailbox *mailbox_of(DmFolders *folders, const char *account)
{
    Mailbox *mailbox = g_hash_table_lookup(folders->mailboxes, account);
    if (mailbox)
        return mailbox;
    mailbox = g_new0(Mailbox, 1);
    for (guint i = 0; i < DM_FOLDER_COUNT; i++) {
        mailbox->all[i] = g_tree_new(compare_seq);
        mailbox->fresh[i] = g_tree_new(compare_seq);
    }
    mailbox->awaiting = g_tree_new(compare_seq);
    g_hash_table_insert(folders->mailboxes, g_strdup(account), mailbox);
    return mailbox;
}

static void message_free(gpointer data)
{
    dm_message_free(data);
}

DmFolders *dm_folders_new(void)
{
    DmFolders *folders = g_new0(DmFolders, 1);
    folders->messages = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, message_free);
    folders->mailboxes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, mailbox_free);
    folders->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return folders;
}

void dm_folders_free(DmFolders *folders)
{
    if (!folders)
        return;
    g_hash_table_unref(folders->files);
    g_hash_table_unref(folders->mailboxes);
    g_hash_table_unref(folders->messages);
    g_free(folders);
}

void dm_folders_add(DmFolders *folders, DmMessage *message)
{
    Mailbox *mailbox = mailbox_of(folders, message->account);
    g_hash_table_insert(folders->messages, message->id, message);
    g_tree_insert(mailbox->all[message->folder], &message->seq, message);
    if (!message->retrieved)
        g_tree_insert(mailbox->fresh[message->folder], &message->seq, message);
    if (message->retrieve_for)
        g_tree_insert(mailbox->awaiting, &message->seq, message);
    mailbox->used += dm_message_size(message);
    g_hash_table_add(folders->files, g_strdup(message->header.file));
    g_hash_table_add(folders->files, g_strdup(message->body.file));
}

DmMessage *dm_folders_find(const DmFolders *folders, const char *id)
{
    return g_hash_table_lookup(folders->messages, id);
}

void dm_folders_set_retrieved(DmFolders *folders, DmMessage *message)
{
    Mailbox *mailbox = mailbox_of(folders, message->account);
    g_tree_remove(mailbox->fresh[message->folder], &message->seq);
    message->retrieved = TRUE;
}

GPtrArray *dm_folders_awaiting(const DmFolders *folders, const char *account)
{
    GPtrArray *list = g_ptr_array_new();
    const Mailbox *mailbox = g_hash_table_lookup(folders->mailboxes, account);
    for (GTreeNode *node = mailbox ? g_tree_node_first(mailbox->awaiting) : NULL; node; node = g_tree_node_next(node))
        g_ptr_array_add(list, g_tree_node_value(node));
    return list;
}

void dm_folders_set_confirmed(DmFolders *folders, const DmMessage *message)
{
    Mailbox *mailbox = mailbox_of(folders, message->account);
    g_tree_remove(mailbox->awaiting, &message->seq);
}

GPtrArray *dm_folders_list(const DmFolders *folders, const char *account, DmFolder folder, gboolean only_new,
                           gint64 after, guint limit, gboolean *more)
{
    GPtrArray *list = g_ptr_array_new();
    const Mailbox *mailbox = g_hash_table_lookup(folders->mailboxes, account);
    *more = FALSE;
    if (!mailbox)
        return list;
    GTree *tree = only_new ? mailbox->fresh[folder] : mailbox->all[folder];
    GTreeNode *node = g_tree_upper_bound(tree, &after);
    for (; node && list->len < limit; node = g_tree_node_next(node))
        g_ptr_array_add(list, g_tree_node_value(node));
    *more = node != NULL;
    return list;
}

gint64 dm_folders_used(const DmFolders *folders, const char *account)
{
    const Mailbox *mailbox = g_hash_table_lookup(folders->mailboxes, account);
    return mailbox ? mailbox->used : 0;
}

gboolean dm_folders_uses_file(const DmFolders *folders, const char *file)
{
    return g_hash_table_contains(folders->files, file);
}
