package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// A reader reads large values.
type reader struct {
	name  string
	read  harness.Op
	close func() error
}

// A kind is a form in which Redis holds large values.
type kind struct {
	name string
	open func(ctx context.Context, addr string, keys, bytes int) ([]reader, error)
}

var kinds = []kind{
	{"Strings", largeAccounts(contender.Base, contender.RueidisDo, contender.AsideMsgpack)},
	{"Hashes", largeAccounts(contender.GoRedisHash, contender.AsideHash)},
	{"Lists", largeLists},
}

// large measures hits of large values.
func large(ctx context.Context, l *Lab) (s report.Section, err error) {
	keys := pick(l, 128, 16)
	s = report.Section{
		Title: "Large values",
		Text: fmt.Sprintf("Hits under a random one of %d keys: the struct of twelve fields, one of which is long, "+
			"as a string and as a hash; a slice of texts of 1 KB as a list. Timeouts are the contenders' defaults. "+
			"An operation that fails, such as by a timeout, is counted as an error and not in the speed.", keys),
	}
	for _, bytes := range pick(l, []int{100 << 10, 1 << 20}, []int{100 << 10}) {
		for _, k := range kinds {
			t, failures, err := l.large(ctx, k, keys, bytes)
			if err != nil {
				return s, fmt.Errorf("%s: %w", t.Title, err)
			}
			s.Text += failures
			s.Tables = append(s.Tables, t)
		}
	}
	return s, nil
}

// large measures the readers of one kind on a server of their own: the values of several kinds
// would take gigabytes.
func (l *Lab) large(ctx context.Context, k kind, keys, bytes int) (t report.Table, failures string, err error) {
	t = report.Table{Title: k.name + " of " + size(bytes), Head: []string{"contender"}}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return t, "", err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	readers, err := k.open(ctx, proc.Addr, keys, bytes)
	if err != nil {
		return t, "", err
	}
	defer func() {
		for _, r := range readers {
			err = errors.Join(err, r.close())
		}
	}()
	failures, err = l.readAll(ctx, &t, readers)
	return t, failures, err
}

// readAll measures readers and counts what fails. A sentence has the first error of each.
func (l *Lab) readAll(ctx context.Context, t *report.Table, readers []reader) (failures string, err error) {
	for _, r := range readers {
		t.Add(r.name)
	}
	for _, callers := range pick(l, []int{1, 128}, []int{1, 16}) {
		l.Progress("%s: %s", t.Title, plural(callers, "caller"))
		plan := l.plan(callers)
		if callers > 1 && !l.Quick { // one read of each caller takes as long as a turn of others
			plan.Turn *= 10
		}
		failed := make([]harness.Failures, len(readers))
		var entries []harness.Entry
		for i, r := range readers {
			entries = append(entries, harness.Entry{Name: r.name, Turn: harness.Tolerant(ctx, callers, r.read, &failed[i])})
		}
		results, err := l.run(plan, entries)
		if err != nil {
			return "", err
		}
		addColumn(t, plural(callers, "caller"), results, ratio)
		addColumn(t, "errors", results, func(i int, r harness.Result) string {
			n, first := failed[i].Count()
			if n > 0 {
				line, _, _ := strings.Cut(first.Error(), "\n")
				failures += fmt.Sprintf(" %s, %s, %s: %s.", t.Title, r.Name, plural(callers, "caller"), line)
			}
			return grouped(n)
		})
	}
	return failures, nil
}

// largeAccounts opens contenders, the first once more as the control, and fills them.
func largeAccounts(specs ...contender.Spec) func(context.Context, string, int, int) ([]reader, error) {
	specs = append(specs, control(specs[0]))
	return func(ctx context.Context, addr string, keys, bytes int) (readers []reader, err error) {
		a := subject.Sized(bytes)
		rivals, err := openFilled(ctx, contender.Env{Addrs: []string{addr}}, keys, specs, a)
		for _, r := range rivals {
			readers = append(readers, reader{r.Name, r.hits(a), r.Close})
		}
		return readers, err
	}
}

// largeLists fills keys with lists and opens those that read them.
func largeLists(ctx context.Context, addr string, n, bytes int) (readers []reader, err error) {
	elems := make([]string, bytes>>10)
	for i := range elems {
		elems[i] = fmt.Sprintf("%01024d", i)
	}
	all := keys(0, n)
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	lists, err := cache.New(rdb, cache.Config[string, []string]{
		Name: "list", Codec: codec.List(codec.Text[string]()), TTL: contender.TTL,
	})
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	read, err := cachedLists(ctx, lists, all, elems)
	if err != nil {
		return nil, errors.Join(err, lists.Close(), rdb.Close())
	}
	plain := func(name string) reader {
		own := redis.NewClient(&redis.Options{Addr: addr})
		return reader{name, readsList(all, elems, func(key string) ([]string, error) {
			return own.LRange(ctx, lists.RedisKey(key), 0, -1).Result()
		}), own.Close}
	}
	return []reader{
		plain("go-redis LRange"),
		{"aside Get, list", read, func() error { return errors.Join(lists.Close(), rdb.Close()) }},
		plain(controlName),
	}, nil
}
