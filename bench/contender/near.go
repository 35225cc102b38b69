package contender

import (
	"context"

	"github.com/maypok86/otter/v2"
	"github.com/viccon/sturdyc"

	"github.com/asidecache/aside/bench/subject"
)

const nearEntries = 200_000 // more than any scenario uses: nothing is evicted

type sturdycContender struct {
	client *sturdyc.Client[subject.Account]
}

func openSturdyc(Env) (Contender, error) {
	return sturdycContender{sturdyc.New[subject.Account](nearEntries, 10, TTL, 10)}, nil
}

func (c sturdycContender) GetOrSet(ctx context.Context, key string, load Loader) (subject.Account, error) {
	return c.client.GetOrFetch(ctx, key, func(ctx context.Context) (subject.Account, error) { return load(ctx, key) })
}

func (c sturdycContender) Delete(_ context.Context, key string) error {
	c.client.Delete(key)
	return nil
}

// Close does nothing: sturdyc has no way to end its goroutines.
func (c sturdycContender) Close() error { return nil }

type otterContender struct {
	cache *otter.Cache[string, subject.Account]
}

func openOtter(Env) (Contender, error) {
	c, err := otter.New(&otter.Options[string, subject.Account]{
		MaximumSize:      nearEntries,
		ExpiryCalculator: otter.ExpiryWriting[string, subject.Account](TTL),
	})
	return otterContender{c}, err
}

func (c otterContender) GetOrSet(ctx context.Context, key string, load Loader) (subject.Account, error) {
	return c.cache.Get(ctx, key, otter.LoaderFunc[string, subject.Account](load))
}

func (c otterContender) Delete(_ context.Context, key string) error {
	c.cache.Invalidate(key)
	return nil
}

func (c otterContender) Close() error {
	c.cache.StopAllGoroutines()
	return nil
}
