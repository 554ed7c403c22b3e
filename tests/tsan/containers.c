/*
 * GLib's containers are not instrumented either: what our code does with them is told to ThreadSanitizer here, as one
 * access to the container, so that two threads that change one at once are seen. The linker puts the functions below in
 * the place of GLib's for our objects only (--wrap, see CMakeLists.txt).
 */
#include <glib.h>

void __tsan_read1(void *address);
void __tsan_write1(void *address);

#define READS(result, name, parameters, arguments)                                                                     \
    result __real_##name parameters;                                                                                   \
    result __wrap_##name parameters;                                                                                   \
    result __wrap_##name parameters                                                                                    \
    {                                                                                                                  \
        __tsan_read1((gpointer)(gsize)container);                                                                      \
        return __real_##name arguments;                                                                                \
    }

#define WRITES(result, name, parameters, arguments)                                                                    \
    result __real_##name parameters;                                                                                   \
    result __wrap_##name parameters;                                                                                   \
    result __wrap_##name parameters                                                                                    \
    {                                                                                                                  \
        __tsan_write1(container);                                                                                      \
        return __real_##name arguments;                                                                                \
    }

READS(gpointer, g_hash_table_lookup, (GHashTable * container, gconstpointer key), (container, key))
READS(gboolean, g_hash_table_contains, (GHashTable * container, gconstpointer key), (container, key))
READS(guint, g_hash_table_size, (GHashTable * container), (container))
READS(gboolean, g_hash_table_lookup_extended,
      (GHashTable * container, gconstpointer key, gpointer *found, gpointer *value), (container, key, found, value))
WRITES(gboolean, g_hash_table_insert, (GHashTable * container, gpointer key, gpointer value), (container, key, value))
WRITES(gboolean, g_hash_table_replace, (GHashTable * container, gpointer key, gpointer value), (container, key, value))
WRITES(gboolean, g_hash_table_add, (GHashTable * container, gpointer key), (container, key))
WRITES(gboolean, g_hash_table_remove, (GHashTable * container, gconstpointer key), (container, key))
WRITES(gboolean, g_hash_table_steal_extended,
       (GHashTable * container, gconstpointer key, gpointer *found, gpointer *value), (container, key, found, value))
WRITES(void, g_ptr_array_add, (GPtrArray * container, gpointer data), (container, data))
WRITES(void, g_ptr_array_set_size, (GPtrArray * container, gint length), (container, length))
