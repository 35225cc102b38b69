package registry

import (
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"weak"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// An owner stands for a cache, which holds its client.
type owner struct {
	client redis.UniversalClient
	member *Member
}

func enter[V any](client redis.UniversalClient, name string, version int, c codec.Codec[V]) (*owner, error) {
	o := &owner{client: client}
	m, err := Enter(o, client, name, version, Values{Cache, reflect.TypeFor[V](), c.Shape(), c, "aside:"})
	o.member = m
	return o, err
}

// mustEnter returns an owner that is kept until the test ends.
func mustEnter[V any](t *testing.T, client redis.UniversalClient, version int, c codec.Codec[V]) *owner {
	t.Helper()
	o, err := enter(client, "user", version, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runtime.KeepAlive(o) })
	return o
}

func newClient(t *testing.T) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// wrapped is a client that only its own interface tells from another.
type wrapped struct{ redis.UniversalClient }

// listed is a client that cannot be compared.
type listed struct {
	redis.UniversalClient
	_ []int
}

// Of each client that can be compared, the registry knows the members.
func TestClients(t *testing.T) {
	cluster := redis.NewClusterClient(&redis.ClusterOptions{})
	t.Cleanup(func() { _ = cluster.Close() })
	one := newClient(t)
	for name, client := range map[string]redis.UniversalClient{
		"client": one, "cluster client": cluster, "wrapped": wrapped{one}, "pointer to wrapped": &wrapped{one},
	} {
		first := mustEnter(t, client, 0, codec.Text[int]())
		if _, err := enter(client, "user", 0, codec.JSON[int]()); err == nil {
			t.Errorf("%s: another codec is not refused", name)
		}
		defer first.member.Leave()
	}
	other := mustEnter(t, newClient(t), 0, codec.JSON[int]())
	other.member.Leave()
	for range 2 {
		mustEnter(t, listed{UniversalClient: one}, 0, codec.JSON[int]()).member.Leave()
	}
	mustEnter(t, listed{UniversalClient: one}, 0, codec.Text[int]())
}

// Members are counted, for each form by itself, and leave once.
func TestLeave(t *testing.T) {
	client := newClient(t)
	a, b := mustEnter(t, client, 0, codec.Text[int]()), mustEnter(t, client, 0, codec.Text[int]())
	refused := func(when string) {
		t.Helper()
		if _, err := enter(client, "user", 0, codec.JSON[int]()); err == nil {
			t.Error(when + ": another codec is not refused")
		}
	}
	refused("two are there")
	a.member.Leave()
	a.member.Leave()
	refused("one has left twice")
	b.member.Leave()
	c := mustEnter(t, client, 0, codec.JSON[int]())
	a.member.Leave()
	if _, err := enter(client, "user", 0, codec.Text[int]()); err == nil {
		t.Error("a member left for another")
	}
	if _, err := enter(client, "user", 1, codec.Text[int]()); err != nil {
		t.Errorf("another version: %v", err)
	}
	c.member.Leave()
	mustEnter(t, client, 0, codec.Text[int]()).member.Leave()
}

// A cache with a user's codec may share keys with a list, and another list may not.
func TestEachFormIsAsked(t *testing.T) {
	client := newClient(t)
	first := new(owner)
	list := func(v codec.Value[string]) error {
		_, err := Enter(first, client, "user", 0, Values{"list", reflect.TypeFor[string](), codec.ShapeList, v, "aside:"})
		return err
	}
	mustEnter(t, client, 0, own[[]string]{codec.List(codec.Text[string]())})
	if err := list(codec.Text[string]()); err != nil {
		t.Fatal(err)
	}
	if err := list(codec.JSON[string]()); err == nil {
		t.Error("a list of other elements is not refused")
	}
	runtime.KeepAlive(first)
}

func TestSentence(t *testing.T) {
	client := newClient(t)
	type account struct{ Name string }
	first := mustEnter(t, client, 0, codec.JSON[account]())
	_, err := enter(client, "user", 0, codec.List(codec.Text[string]()))
	want := `the Name "user" without a Version belongs on this client to ` +
		`a cache of registry.account, stored as a Redis string by codec.JSON, ` +
		`and this one is a cache of []string, stored as a Redis list by codec.Text: ` +
		`choose another Name or Version, or Close the first`
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v, want\n%s", err, want)
	}
	{
		type account struct{ Rank int }
		_, err = enter(client, "user", 0, codec.JSON[account]())
		if err == nil || !strings.Contains(err.Error(), "of other types with the same names") {
			t.Errorf("two types of one name: %v", err)
		}
	}
	first.member.Leave()
	mustEnter(t, client, 3, codec.JSON[account]())
	_, err = enter(client, "user", 3, codec.Text[string]())
	if err == nil || !strings.HasPrefix(err.Error(), `the Name "user" with Version 3 belongs`) {
		t.Errorf("with a version: %v", err)
	}
}

// Of many that enter and leave at once, those that are there at one time have one form.
func TestConcurrently(t *testing.T) {
	client := newClient(t)
	var (
		mu    sync.Mutex
		there = map[string]int{}
		all   sync.WaitGroup
	)
	note := func(form string, n int) {
		mu.Lock()
		defer mu.Unlock()
		if there[form] += n; there["text"] > 0 && there["json"] > 0 {
			t.Error("two forms are there at one time")
		}
	}
	for i := range 8 {
		all.Go(func() {
			for range 1000 {
				form, c := "text", codec.Text[int]()
				if i%2 == 0 {
					form, c = "json", codec.JSON[int]()
				}
				o, err := enter(client, "concurrent", 0, c)
				if err != nil {
					runtime.Gosched()
					continue
				}
				note(form, 1)
				note(form, -1)
				var twice sync.WaitGroup
				twice.Go(o.member.Leave)
				twice.Go(o.member.Leave)
				twice.Wait()
			}
		})
	}
	all.Wait()
	if n := members("concurrent"); n != 0 {
		t.Errorf("%d members are left", n)
	}
}

// members is how many there are of a name.
func members(name string) (n int) {
	mu.Lock()
	defer mu.Unlock()
	for f, uses := range keyspaces {
		if f.name == name {
			for _, u := range uses {
				n += u.count
			}
		}
	}
	return n
}

// Members that are not reachable any more leave without a Close, and the registry keeps
// no client.
func TestForgotten(t *testing.T) {
	client := newClient(t)
	func() {
		for i := range 10 {
			if _, err := enter(client, "unused", i, codec.Text[int]()); err != nil {
				t.Fatal(err)
			}
		}
	}()
	for members("unused") > 0 { // a cleanup runs some time after the collection
		runtime.GC()
	}

	one, cluster := redis.NewClient(&redis.Options{}), redis.NewClusterClient(&redis.ClusterOptions{})
	other := &wrapped{redis.NewClient(&redis.Options{})}
	for _, gone := range []func() bool{
		forgotten(t, one, one), forgotten(t, cluster, cluster), forgotten(t, other, other),
	} {
		for !gone() || members("forgotten") > 0 {
			runtime.GC()
		}
	}
}

// forgotten enters a client that is closed then, and not reachable any more.
func forgotten[T any](t *testing.T, p *T, client redis.UniversalClient) (gone func() bool) {
	o, err := enter(client, "forgotten", 0, codec.Text[int]())
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := client.(*redis.Client); ok {
		c.AddHook(hook{o})
	}
	_ = client.Close()
	w := weak.Make(p)
	return func() bool { return w.Value() == nil }
}

// hook leads from a client to the owner of a member.
type hook struct{ of *owner }

func (hook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Members of one Name have one prefix of control keys, whatever their versions, for as long as
// one of them is there.
func TestControlPrefixes(t *testing.T) {
	client := newClient(t)
	with := func(version int, prefix string) (*owner, error) {
		o := &owner{client: client}
		c := codec.Text[int]()
		var err error
		o.member, err = Enter(o, client, "user", version, Values{Cache, reflect.TypeFor[int](), c.Shape(), c, prefix})
		return o, err
	}
	first, err := with(1, "a:")
	if err != nil {
		t.Fatal(err)
	}
	want := `the Name "user" belongs on this client to a cache or collection with the ControlPrefix "a:", ` +
		`and this one has "b:": all that use the keys must have the same`
	for version := range 3 {
		if _, err := with(version, "b:"); err == nil || err.Error() != want {
			t.Errorf("the error is\n%v, want\n%s", err, want)
		}
	}
	second, err := with(2, "a:")
	if err != nil {
		t.Fatal(err)
	}
	first.member.Leave()
	if _, err := with(1, "b:"); err == nil {
		t.Error("the prefix of the one that is left does not count")
	}
	second.member.Leave()
	if _, err := with(1, "b:"); err != nil {
		t.Error(err)
	}
	runtime.KeepAlive([]*owner{first, second})
}
