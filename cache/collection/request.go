package collection

import (
	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/store"
)

// A command is the Redis command of a method.
type command struct {
	op    cache.Op // the method
	name  string
	group int    // see store.Request.Command; store.Whole for one that is not cut
	needs string // the servers that know it, if not all do
}

// A request is what a method asks of Redis. It keeps the first error, and adds nothing after it.
type request struct {
	core    *core
	command command
	redis   store.Request
	empty   bool // there is nothing to ask
	err     error
}

// request returns a request that is to be begun by redis.Read or redis.Write.
func (c *core) request(cmd command) *request {
	r, _ := c.requests.Get().(*request)
	if r == nil {
		r = new(request)
	}
	r.core, r.command, r.empty, r.err = c, cmd, false, nil
	r.redis.Reset(c.shape)
	return r
}

// release makes an answered request available to other calls.
func (c *core) release(r *request) {
	c.requests.Put(r)
}

// read begins a request that reads.
func (k keyed[K]) read(cmd command, key K) *request {
	r := k.core.request(cmd)
	name, err := k.redisKey(cmd.op, key)
	if err != nil {
		r.err = err
		return r
	}
	r.redis.Read(cmd.name, name)
	return r
}

// write begins a request that writes by one command.
func (k keyed[K]) write(cmd command, key K) *request {
	return k.beginWrite(cmd, key).add(cmd.name, 0, cmd.group)
}

// beginWrite begins a request that writes; add gives it its commands.
func (k keyed[K]) beginWrite(cmd command, key K) *request {
	r := k.core.request(cmd)
	name, err := k.redisKey(cmd.op, key)
	switch {
	case err != nil:
		r.err = err
		return r
	case k.rules.err != nil:
		r.err = k.core.error(cmd.op, name, nil, k.rules.err)
		return r
	}
	ttl := k.core.storedTTL(k.rules.ttl)
	r.redis.Write(k.core.store, name, store.Rules{Life: ttl, Renew: k.rules.renew, Known: k.rules.known})
	return r
}

// add begins a command of a write, see store.Request.Command.
func (r *request) add(name string, head, group int) *request {
	if r.err == nil {
		r.redis.Command(name, head, group)
	}
	return r
}

// arg adds an argument: a string, bytes or a number.
func (r *request) arg(arg any) *request {
	if r.err == nil {
		r.redis.Arg(arg)
	}
	return r
}

// fail keeps the request from being sent, if there is a cause.
func (r *request) fail(kind, cause error) {
	if r.err == nil && cause != nil {
		r.err = r.error(kind, cause)
	}
}

// failElements is fail for the errors of elements.
func (r *request) failElements(kind error, e *ElementsError) {
	if e != nil {
		r.fail(kind, e)
	}
}

// error is an error of the call. The request has been begun.
func (r *request) error(kind, cause error) error {
	return r.core.error(r.command.op, r.redis.Key(), kind, cause)
}

// undecoded is the error of elements that could not be decoded, nil for none.
func (r *request) undecoded(e *ElementsError) error {
	return r.core.undecoded(r.command.op, r.redis.Key(), e)
}

// wrongAnswer is the error of an answer that makes no sense.
func (r *request) wrongAnswer() error { return r.error(cache.ErrRedis, errAnswer) }

// parts are the parts of the answer.
func (r *request) parts() [][]byte { return r.redis.Parts }

// noAnswer reports whether the answer is nothing at all, as for a pop from a key without a value.
func (r *request) noAnswer() bool { return len(r.redis.Parts) == 1 && r.redis.Parts[0] == nil }
