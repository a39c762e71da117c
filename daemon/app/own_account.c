/* See app/own_account.h. */
#include "app/own_account.h"

#include "app/link.h"
#include "app/world.h"
#include "base/text.h"

struct asking {
    struct world *world;
    struct dispatch dispatch;
};

static void on_identity(struct dispatch *dispatch)
{
    struct asking *asking = dispatch->owner;
    world_stop(asking->world);
}

static int ask(struct asking *asking, struct link *link, char account[ACCOUNT_LENGTH + 1], struct err *err)
{
    struct call *call = &asking->dispatch.call;
    asking->dispatch = (struct dispatch){.done = on_identity, .owner = asking};
    call_init(call, OPERATION_GET_CALLER_IDENTITY);
    dispatcher_submit(link_dispatcher(link), &asking->dispatch);
    world_run(asking->world);
    bool known = call->answer.class == ANSWER_DONE && account_id_valid(call->account);
    if (known) {
        text_copy(account, ACCOUNT_LENGTH + 1, call->account);
    } else {
        call_error(call, err);
    }
    bool asked = !call_lacked_credentials(call);
    call_finish(call);
    if (known || !asked) {
        return known ? 0 : -1;
    }
    return err_context(err, "the account of the credentials is not known");
}

int own_account(const struct target *target, char account[ACCOUNT_LENGTH + 1], struct err *err)
{
    const struct world_config config = {.program = "jobsweep"};
    struct asking asking = {.world = world_create(&config, err)};
    if (asking.world == NULL) {
        return -1;
    }
    const struct link_config way = {.world = asking.world, .target = target};
    struct link *link = link_create(&way, err);
    int result = link != NULL ? ask(&asking, link, account, err) : -1;
    link_destroy(link);
    world_destroy(asking.world);
    return result;
}
