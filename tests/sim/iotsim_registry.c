/* Things and thing groups over HTTP: from what was asked to fleet_registry.h and fleet_admin.h, and back. */
#include "aws/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_registry.h"
#include "sim/fleet_search.h"
#include "sim/iotsim_route.h"

#include <stdlib.h>
#include <string.h>

#define SEARCH_PAGE_DEFAULT 100

static void refuse(struct iotsim_asked *asked, const char *message)
{
    iotsim_refuse_call(&asked->call, 400, "InvalidRequestException", message);
}

static void not_found(struct iotsim_asked *asked, const char *message)
{
    iotsim_refuse_call(&asked->call, 404, "ResourceNotFoundException", message);
}

static bool done(const struct iotsim_asked *asked)
{
    return asked->call.answer.class == ANSWER_DONE;
}

/* --- things --- */

void iotsim_list_things(struct iotsim_asked *asked, int64_t now_ms)
{
    const char *prefix = iotsim_asked_param(asked, "usePrefixAttributeValue");
    const struct fleet_things_filter filter = {.type = iotsim_asked_param(asked, "thingTypeName"),
                                               .attribute = iotsim_asked_param(asked, "attributeName"),
                                               .value = iotsim_asked_param(asked, "attributeValue"),
                                               .prefix = prefix && strcmp(prefix, "true") == 0};

    if (filter.type || filter.attribute) {
        fleet_list_things_like(asked->place->fleet, &asked->call, &filter, now_ms);
    } else {
        fleet_execute(asked->place->fleet, &asked->call, now_ms);
    }
    if (done(asked) && filter.value && !filter.attribute) {
        refuse(asked, "attributeValue needs an attributeName.");
    }
}

struct setting {
    struct iotsim_asked *asked;
    const char *thing;
};

static void on_attribute(void *ctx, const char *key, const struct json_value *value)
{
    const struct setting *setting = ctx;
    const char *text = json_string(value);

    if (!text || !fleet_thing_set_attribute(setting->asked->place->fleet, setting->thing, key, text)) {
        refuse(setting->asked, "The attributes are not valid, or too many.");
    }
}

/* thingTypeName and attributePayload of a body, for a thing that exists. */
static void set_about(struct iotsim_asked *asked, const struct json_value *root)
{
    struct setting setting = {asked, asked->call.thing_name};
    const char *type = json_string(json_get(root, "thingTypeName"));

    if (type && thing_name_valid(type)) {
        fleet_thing_set_type(asked->place->fleet, setting.thing, type);
    } else if (type) {
        refuse(asked, "The thingTypeName is not valid.");
    }
    json_members(json_get(json_get(root, "attributePayload"), "attributes"), on_attribute, &setting);
}

void iotsim_describe_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    (void)now_ms;
    fleet_describe_thing(asked->place->fleet, &asked->call);
}

void iotsim_create_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    struct json_doc *body = iotsim_body(asked);

    (void)sim;
    (void)now_ms;
    if (done(asked)) {
        fleet_create_thing(asked->place->fleet, &asked->call);
    }
    if (done(asked)) {
        set_about(asked, json_root(body));
    }
    json_free(body);
}

/* Without merge the attributes that are given are all that it has then (API reference, AttributePayload). */
static void clear_attributes(struct iotsim_asked *asked, const struct json_value *payload)
{
    struct fleet_thing_about about;
    bool merge = false;

    if (json_truth(json_get(payload, "merge"), &merge) && merge) {
        return;
    }
    fleet_thing_about(asked->place->fleet, asked->call.thing_name, &about);
    for (size_t i = 0; payload && i < about.attribute_count; i++) {
        fleet_thing_set_attribute(asked->place->fleet, about.name, about.attributes[i].name, "");
    }
}

void iotsim_update_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    struct json_doc *body = iotsim_body(asked);
    bool truth = false;

    iotsim_describe_thing(sim, asked, now_ms);
    if (done(asked) && json_truth(json_get(json_root(body), "removeThingType"), &truth) && truth) {
        fleet_thing_set_type(asked->place->fleet, asked->call.thing_name, NULL);
    }
    if (done(asked)) {
        clear_attributes(asked, json_get(json_root(body), "attributePayload"));
        set_about(asked, json_root(body));
    }
    json_free(body);
}

void iotsim_delete_thing(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    fleet_delete_thing(asked->place->fleet, &asked->call, now_ms);
}

static void put_attributes(const struct fleet_thing_about *about, struct buf *out)
{
    buf_text(out, ",\"attributes\":{");
    for (size_t i = 0; i < about->attribute_count; i++) {
        buf_text(out, i ? "," : "");
        text_json(out, about->attributes[i].name);
        buf_text(out, ":");
        text_json(out, about->attributes[i].value);
    }
    buf_text(out, "}");
}

static void put_type(const struct fleet_thing_about *about, struct buf *out)
{
    if (about->type) {
        buf_printf(out, ",\"thingTypeName\":\"%s\"", about->type);
    }
}

void iotsim_show_things(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    struct fleet_thing_about about;

    buf_text(out, "{\"things\":[");
    for (size_t i = 0; i < page->count; i++) {
        buf_printf(out, "%s{\"thingName\":\"%s\",\"thingArn\":", i ? "," : "", page->things[i]);
        iotsim_put_arn(asked, "thing", page->things[i], out);
        if (fleet_thing_about(asked->place->fleet, page->things[i], &about)) {
            put_type(&about, out);
            put_attributes(&about, out);
        }
        buf_text(out, ",\"version\":1}");
    }
    iotsim_end_page(&asked->call, out);
}

void iotsim_show_thing(const struct iotsim_asked *asked, struct buf *out)
{
    const char *name = asked->call.thing_name;
    struct fleet_thing_about about;

    if (!fleet_thing_about(asked->place->fleet, name, &about)) {
        return;
    }
    buf_printf(out, "{\"defaultClientId\":\"%s\",\"thingName\":\"%s\",\"thingId\":\"%s\",\"thingArn\":", name,
               name, about.id);
    iotsim_put_arn(asked, "thing", name, out);
    put_type(&about, out);
    put_attributes(&about, out);
    buf_text(out, ",\"version\":1}");
}

/* --- SearchIndex --- */

static bool take_search(struct iotsim_asked *asked, const struct json_value *root)
{
    const char *index = json_string(json_get(root, "indexName"));
    const struct json_value *most = json_get(root, "maxResults");
    const char *token = json_string(json_get(root, "nextToken"));
    int64_t number = SEARCH_PAGE_DEFAULT;

    if (index && strcmp(index, "AWS_Things") != 0) {
        not_found(asked, "The index does not exist.");
    } else if (!json_string(json_get(root, "queryString")) || !*json_string(json_get(root, "queryString"))) {
        refuse(asked, "1 validation error detected: Value at 'queryString' failed to satisfy constraint: "
                      "Member must have length greater than or equal to 1");
    } else if (most && (!json_int64(most, &number) || number < 1 || number > SEARCH_PAGE_MAX)) {
        refuse(asked, "maxResults must be between 1 and 100.");
    }
    asked->call.max_results = (int)number;
    asked->call.next_token = token ? mem_strdup(token) : NULL;
    return done(asked);
}

static void search(struct iotsim_asked *asked, const char *query)
{
    struct err err;
    struct search *parsed = search_parse(query, &err);

    if (!parsed) {
        iotsim_refuse_call(&asked->call, 400, "InvalidQueryException", err.msg);
        return;
    }
    fleet_search(asked->place->fleet, &asked->call, parsed, fleet_text_mark(query, 3));
    search_free(parsed);
}

void iotsim_search(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    struct json_doc *body = iotsim_body(asked);

    (void)now_ms;
    if (done(asked) && sim->world.no_index) {
        iotsim_refuse_call(&asked->call, 400, "IndexNotReadyException",
                           "The index is being built, or rebuilt.");
    } else if (done(asked) && take_search(asked, json_root(body))) {
        search(asked, json_string(json_get(json_root(body), "queryString")));
    }
    json_free(body);
}

void iotsim_show_found(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    struct fleet_thing_about about;

    buf_text(out, "{\"things\":[");
    for (size_t i = 0; i < page->count; i++) {
        if (!fleet_thing_about(asked->place->fleet, page->things[i], &about)) {
            continue;
        }
        buf_printf(out, "%s{\"thingName\":\"%s\",\"thingId\":\"%s\"", i ? "," : "", about.name, about.id);
        put_type(&about, out);
        buf_printf(out, ",\"thingGroupNames\":[%s%s%s]", about.group ? "\"" : "",
                   about.group ? about.group : "", about.group ? "\"" : "");
        put_attributes(&about, out);
        buf_text(out, "}");
    }
    iotsim_end_page(&asked->call, out);
}

/* --- groups --- */

void iotsim_list_groups(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    const char *recursive = iotsim_asked_param(asked, "recursive");
    struct fleet_groups_filter filter = {.parent = iotsim_asked_param(asked, "parentGroup"),
                                         .prefix = iotsim_asked_param(asked, "namePrefixFilter")};

    (void)sim;
    (void)now_ms;
    filter.children_only = recursive ? strcmp(recursive, "false") == 0 : filter.parent != NULL;
    if (asked->call.max_results < 0) {
        refuse(asked, "maxResults must be between 1 and 250.");
    } else {
        fleet_list_groups(asked->place->fleet, &asked->call, &filter);
    }
}

void iotsim_describe_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    (void)now_ms;
    fleet_describe_group(asked->place->fleet, &asked->call);
}

void iotsim_create_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    struct json_doc *body = iotsim_body(asked);
    const char *parent = json_string(json_get(json_root(body), "parentGroupName"));

    (void)sim;
    (void)now_ms;
    if (done(asked)) {
        fleet_create_group(asked->place->fleet, &asked->call, parent);
    }
    json_free(body);
}

void iotsim_delete_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    (void)now_ms;
    fleet_delete_group(asked->place->fleet, &asked->call);
}

static void move(struct iotsim_asked *asked, bool in)
{
    struct json_doc *body = iotsim_body(asked);
    const char *thing = json_string(json_get(json_root(body), "thingName"));
    const char *group = json_string(json_get(json_root(body), "thingGroupName"));

    if (done(asked) && (!thing || !group)) {
        refuse(asked, "thingName and thingGroupName are needed here.");
    } else if (done(asked) && !fleet_thing_set_group(asked->place->fleet, thing, in ? group : NULL)) {
        not_found(asked, "The thing or the group cannot be found.");
    }
    json_free(body);
}

void iotsim_join_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    (void)now_ms;
    move(asked, true);
}

void iotsim_leave_group(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    (void)sim;
    (void)now_ms;
    move(asked, false);
}

void iotsim_show_members(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;

    buf_text(out, "{\"things\":[");
    for (size_t i = 0; i < page->count; i++) {
        buf_printf(out, "%s\"%s\"", i ? "," : "", page->things[i]);
    }
    iotsim_end_page(&asked->call, out);
}

static void put_group(const struct iotsim_asked *asked, const char *member, const char *arn, const char *name,
                      struct buf *out)
{
    buf_printf(out, "\"%s\":\"%s\",\"%s\":", member, name, arn);
    iotsim_put_arn(asked, "thinggroup", name, out);
}

void iotsim_show_groups(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;

    buf_text(out, "{\"thingGroups\":[");
    for (size_t i = 0; i < page->count; i++) {
        buf_text(out, i ? ",{" : "{");
        put_group(asked, "groupName", "groupArn", page->things[i], out);
        buf_text(out, "}");
    }
    iotsim_end_page(&asked->call, out);
}

void iotsim_show_group(const struct iotsim_asked *asked, struct buf *out)
{
    const char *name = asked->call.group_name;
    struct fleet_group_about about;

    if (!fleet_group_about(asked->place->fleet, name, &about)) {
        return;
    }
    buf_text(out, "{");
    put_group(asked, "thingGroupName", "thingGroupArn", name, out);
    buf_printf(out,
               ",\"thingGroupId\":\"%s\",\"version\":1,\"thingGroupProperties\":{},"
               "\"thingGroupMetadata\":{\"rootToParentThingGroups\":[",
               about.id);
    for (size_t i = 0; i < about.ancestor_count; i++) {
        buf_text(out, i ? ",{" : "{");
        put_group(asked, "groupName", "groupArn", about.ancestors[i], out);
        buf_text(out, "}");
    }
    buf_text(out, "]");
    iotsim_put_moment(out, "creationDate", about.created_ms);
    if (about.ancestor_count > 0) {
        buf_printf(out, ",\"parentGroupName\":\"%s\"", about.ancestors[about.ancestor_count - 1]);
    }
    buf_text(out, "}}");
}
