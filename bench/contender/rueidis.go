package contender

import (
	"context"

	"github.com/redis/rueidis"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/bench/subject"
)

type rueidisContender struct {
	client rueidis.Client
	get    func(ctx context.Context, c rueidis.Client, key string) rueidis.RedisResult
}

func openRueidis(env Env) (Contender, error) {
	return newRueidis(env, func(ctx context.Context, c rueidis.Client, key string) rueidis.RedisResult {
		return c.Do(ctx, c.B().Get().Key(key).Build())
	})
}

func openRueidisCache(env Env) (Contender, error) {
	return newRueidis(env, func(ctx context.Context, c rueidis.Client, key string) rueidis.RedisResult {
		return c.DoCache(ctx, c.B().Get().Key(key).Cache(), TTL)
	})
}

func newRueidis(env Env, get func(context.Context, rueidis.Client, string) rueidis.RedisResult) (Contender, error) {
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: env.Addrs})
	if err != nil {
		return nil, err
	}
	return &rueidisContender{c, get}, nil
}

func (c *rueidisContender) GetOrSet(ctx context.Context, key string, load Loader) (a subject.Account, err error) {
	b, err := c.get(ctx, c.client, key).AsBytes()
	if err == nil {
		err = msgpack.Unmarshal(b, &a)
		return a, err
	}
	if !rueidis.IsRedisNil(err) {
		return a, err
	}
	if a, err = load(ctx, key); err != nil {
		return a, err
	}
	return a, c.Set(ctx, key, a)
}

func (c *rueidisContender) Set(ctx context.Context, key string, a subject.Account) error {
	b, err := msgpack.Marshal(&a)
	if err != nil {
		return err
	}
	return c.client.Do(ctx, c.client.B().Set().Key(key).Value(rueidis.BinaryString(b)).Ex(TTL).Build()).Error()
}

func (c *rueidisContender) Delete(ctx context.Context, key string) error {
	return c.client.Do(ctx, c.client.B().Del().Key(key).Build()).Error()
}

func (c *rueidisContender) Close() error {
	c.client.Close()
	return nil
}
