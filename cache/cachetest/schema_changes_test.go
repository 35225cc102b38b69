package cachetest_test

import (
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// A changeRow is a kind of change: what Schema says of it, and how to carry it out.
type changeRow struct {
	carryOut func(t *testing.T) rollout
	says     []string
}

var changes = map[string]changeRow{}

// inAll adds a change of a struct in each form that finds fields by name.
func inAll[Old, New any](name string, old Old, now New, says ...string) {
	inText[Old, New](name, old, now, says...)
	changes[name+", hash"] = changeRow{change[Old, New](hashOf[Old](), old, hashOf[New](), now), says}
}

// inText is inAll without hashes.
func inText[Old, New any](name string, old Old, now New, says ...string) {
	pack, unpack := codec.Msgpack[Old](), codec.Msgpack[New]()
	was, is := codec.JSON[Old](), codec.JSON[New]()
	changes[name+", msgpack"] = changeRow{change[Old, New](pack, old, unpack, now), says}
	changes[name+", json"] = changeRow{change[Old, New](was, old, is, now), says}
	changes[name+", compressed"] = changeRow{change[Old, New](codec.Compress(pack, codec.S2, 0), old, codec.Compress(unpack, codec.Zstd, 100), now), says}
	changes[name+", encrypted"] = changeRow{change[Old, New](codec.Encrypt(was, keys), old, codec.Encrypt(is, keys), now), says}
}

func hashOf[T any]() *hashmap.Mapping[T] { return hashmap.MustOf[T](hashmap.UseTag("json")) }

var keys = func() *codec.Keyring {
	ring, err := codec.NewKeyring(1, map[uint32][]byte{1: make([]byte, 32)})
	if err != nil {
		panic(err)
	}
	return ring
}()

// add adds a change of a codec.
func add[Old, New any](name string, was codec.Codec[Old], old Old, is codec.Codec[New], now New, says ...string) {
	changes[name] = changeRow{change(was, old, is, now), says}
}

const (
	outdatedForNew = "the new version finds entries without it outdated and loads them anew"
	outdatedForOld = "the running version finds entries without it outdated and loads them anew"
	eachBroken     = "each version finds entries of the other broken and loads them anew: set Version"
	eachAnother    = "each version finds entries of the other broken, or reads another value: set Version"
)

type (
	user struct {
		ID int `json:"id" msgpack:"id"`
	}
	userCredit struct {
		ID     int `json:"id" msgpack:"id"`
		Credit int `json:"credit" msgpack:"credit"`
	}
	userMaybe struct {
		ID     int `json:"id" msgpack:"id"`
		Credit int `json:"credit,omitempty" msgpack:"credit,omitempty"`
	}
	userRenamed struct {
		ID int `json:"number" msgpack:"number"`
	}
	userPointer struct{ N *int }
	userValue   struct{ N int }
)

func init() {
	inAll("added", user{1}, userCredit{1, 7}, "field credit is new: "+outdatedForNew+"; the running version ignores it")
	inAll("removed", userCredit{1, 7}, user{1}, "field credit is gone: the new version ignores it; "+outdatedForOld)
	inAll("added, optional", user{1}, userMaybe{1, 7},
		"field credit is new: the new version reads it as zero from entries without it; the running version ignores it: set Version if zero is wrong")
	inAll("removed, optional", userMaybe{1, 7}, user{1},
		"field credit is gone: the new version ignores it; the running version reads it as zero from entries without it: set Version if zero is wrong")
	inAll("renamed", user{1}, userRenamed{1},
		"field id seems to be renamed to number: each version finds entries without it outdated and loads them anew: set Version")
	inAll("made optional", userCredit{1, 0}, userMaybe{1, 0}, "field credit is optional: the new version reads entries of the running one; "+outdatedForOld)
	inAll("made to be always stored", userMaybe{1, 0}, userCredit{1, 0},
		"field credit is not optional any more: "+outdatedForNew+"; the running version reads entries of the new one")
	inText("retyped", struct{ N string }{"a"}, struct{ N bool }{true}, "field N is of type bool, and was of type string: "+eachBroken)
	add[struct{ N string }, struct{ N int }]("retyped, hash", hashOf[struct{ N string }](), struct{ N string }{"7"}, hashOf[struct{ N int }](), struct{ N int }{1},
		"field N is of type int, and was of type string: "+eachAnother)
	inAll("narrowed", struct{ N int64 }{300}, struct{ N int8 }{100},
		"field N is of type int8, and was of type int64: the new version reads values that fit, and finds other entries broken and loads them anew; the running version reads entries of the new one")
	inAll("widened", struct{ N int8 }{100}, struct{ N int64 }{300},
		"field N is of type int64, and was of type int8: the new version reads entries of the running one; the running version reads values that fit, and finds other entries broken and loads them anew")
	inAll("unsigned", struct{ N int64 }{-1}, struct{ N uint64 }{1 << 63},
		"field N is of type uint64, and was of type int64: each version reads values that fit, and finds other entries broken and loads them anew: set Version")
	inAll("moved", struct{ A, B int }{1, 2}, struct{ B, A int }{2, 1})
	inAll("another Go type", struct{ N int64 }{1}, struct{ N time.Duration }{1})
	inText("a pointer that becomes a value", userPointer{}, userValue{7},
		"field N cannot be nil any more: the new version reads nil as zero; the running version reads entries of the new one: set Version if zero is wrong")
	inText("a value that becomes a pointer", userValue{7}, userPointer{},
		"field N can be nil: the new version reads entries of the running one; the running version reads nil as zero: set Version if zero is wrong")
	add[userPointer, userValue]("a pointer of a hash that becomes a value", hashOf[userPointer](), userPointer{}, hashOf[userValue](), userValue{7},
		"field N is not optional any more: "+outdatedForNew+"; the running version reads entries of the new one")
	nested()
	byOrder()
	otherNames()
	codecs()
}

type (
	tag      struct{ Text string }
	tagColor struct{ Text, Color string }
	tree     struct {
		Name string
		Kids []tree
	}
	treeSize struct {
		Name string
		Kids []treeSize
		Size int
	}
)

func nested() {
	is := ": " + outdatedForNew + "; the running version ignores it"
	old, now := tag{"a"}, tagColor{"a", "red"}
	inAll("added in a slice", struct{ Tags []tag }{[]tag{old}}, struct{ Tags []tagColor }{[]tagColor{now}}, "field Tags[].Color is new"+is)
	inAll("added in a map", struct{ Tags map[string]tag }{map[string]tag{"k": old}}, struct{ Tags map[string]tagColor }{map[string]tagColor{"k": now}}, "field Tags[].Color is new"+is)
	inAll("added behind a pointer", struct{ Tag *tag }{&old}, struct{ Tag *tagColor }{&now}, "field Tag.Color is new"+is)
	inText("added in all elements", []tag{old}, []tagColor{now}, "field [].Color is new"+is)
	inText("added in a tree", tree{"a", []tree{{"b", nil}}}, treeSize{"a", []treeSize{{"b", nil, 1}}, 2}, "field Size is new"+is)
	add("added in elements of a list", codec.List(codec.JSON[tag]()), []tag{old}, codec.List(codec.JSON[tagColor]()), []tagColor{now}, "field [].Color is new"+is)
	inAll("elements retyped", struct{ L []string }{[]string{"a"}}, struct{ L []bool }{[]bool{true}},
		"each element of L is of type bool, and was of type string: "+eachBroken)
	texts, numbers := map[string]bool{"a": true}, map[int]bool{1: true}
	add("keys retyped, msgpack", codec.Msgpack[map[string]bool](), texts, codec.Msgpack[map[int]bool](), numbers, "each key is of type int, and was of type string: "+eachBroken)
	add("keys retyped, json", codec.JSON[map[string]bool](), texts, codec.JSON[map[int]bool](), numbers, "each key is of type int, and was of type string: "+eachAnother)
	inAll("an array that becomes a slice", struct{ L [2]int }{[2]int{1, 2}}, struct{ L []int }{[]int{1}},
		"field L is of type list, and was of type array of 2: the new version reads entries of the running one; the running version finds entries of the new one broken, or reads another value: set Version")
	inAll("two changes that converge", struct{ A, B int }{1, 2}, struct{ A, C, D int }{1, 3, 4},
		"field C is new"+is, "field D is new"+is, "field B is gone: the new version ignores it; "+outdatedForOld)
}

type (
	order struct {
		//lint:ignore U1000 msgpack looks for it
		_msgpack struct{} `msgpack:",as_array"`
		A, B     int
	}
	orderMore struct {
		//lint:ignore U1000 msgpack looks for it
		_msgpack struct{} `msgpack:",as_array"`
		A, B, C  int
	}
	orderMoved struct {
		//lint:ignore U1000 msgpack looks for it
		_msgpack struct{} `msgpack:",as_array"`
		B, A     int
	}
	noOrder struct{ B, A int }
)

func byOrder() {
	few, more := codec.Msgpack[order](), codec.Msgpack[orderMore]()
	add[order, orderMore]("as_array, added", few, order{A: 1, B: 2}, more, orderMore{A: 1, B: 2, C: 3},
		"field C is new in a struct that is stored by order: the new version finds entries without it outdated and loads them anew; the running version finds entries of the new one broken and loads them anew: set Version")
	add[orderMore, order]("as_array, removed", more, orderMore{A: 1, B: 2, C: 3}, few, order{A: 1, B: 2},
		"field C is gone from a struct that is stored by order: the new version finds entries of the running one broken and loads them anew; the running version finds entries without it outdated and loads them anew: set Version")
	add[order, orderMoved]("as_array, moved", few, order{A: 1, B: 2}, codec.Msgpack[orderMoved](), orderMoved{A: 1, B: 2},
		"the value has other fields from place 1 on, where it had A: "+eachAnother)
	add[order, noOrder]("as_array, given up", few, order{A: 1, B: 2}, codec.Msgpack[noOrder](), noOrder{A: 1, B: 2},
		"the value is of type struct, and was of type tuple: the new version finds entries of the running one broken, or reads another value; the running version reads entries of the new one: set Version")
	add[order, orderMore]("as_array, added, missing fields zero", codec.Msgpack[order](codec.MissingFieldsAreZero()), order{A: 1, B: 2},
		codec.Msgpack[orderMore](codec.MissingFieldsAreZero()), orderMore{A: 1, B: 2, C: 3},
		"field C is new in a struct that is stored by order: "+eachBroken)
}

func otherNames() {
	add[named, titled]("renamed with an alias", codec.Msgpack[named](), named{"a"}, codec.Msgpack[titled](), titled{"a"},
		"field name seems to be renamed to title: the new version reads entries of the running one; "+outdatedForOld)
	add[titled, named]("renamed back from an alias", codec.Msgpack[titled](), titled{"a"}, codec.Msgpack[named](), named{"a"},
		"field title seems to be renamed to name: "+outdatedForNew+"; the running version reads entries of the new one")
	add[named, upper]("renamed to upper case", codec.JSON[named](), named{"a"}, codec.JSON[upper](), upper{"a"},
		"field name seems to be renamed to NAME: each version reads entries of the other")
}

type (
	named struct {
		N string `msgpack:"name" json:"name"`
	}
	titled struct {
		N string `msgpack:"title,alias:name"`
	}
	upper struct {
		N string `json:"NAME"`
	}
)

// codecs adds changes of what a struct or another value is stored by.
func codecs() {
	pack, text, hash := codec.Msgpack[user](), codec.JSON[user](), hashOf[user]()
	one := user{1}
	add[user, user]("another codec", pack, one, text, one, "the value is stored as json, and was as msgpack: "+eachBroken)
	add[user, user]("compressed", pack, one, codec.Compress(pack, codec.S2, 0), one, "the value is stored as compressed msgpack, and was as msgpack: "+eachBroken)
	add[user, user]("compressed no more", codec.Compress(text, codec.Zstd, 0), one, text, one, "the value is stored as json, and was as compressed json: "+eachBroken)
	add[user, user]("encrypted", text, one, codec.Encrypt(text, keys), one, "the value is stored as encrypted json, and was as json: "+eachBroken)
	add[user, user]("compressed before it is encrypted", codec.Encrypt(text, keys), one, codec.Encrypt(codec.Compress(text, codec.S2, 0), keys), one,
		"the value is stored as encrypted compressed json, and was as encrypted json: "+eachBroken)
	add[user, user]("from a string to a hash", pack, one, hash, one, "the Redis type is hash, and was string: "+eachBroken)
	add[string, string]("a compressed text", codec.Text[string](), "a", codec.Compress(codec.Text[string](), codec.S2, 0), "a",
		"the value is stored as compressed text, and was as text: "+eachAnother)
	add[int, int]("a number in another codec", codec.Text[int](), 7, codec.Msgpack[int](), 7, "the value is stored as msgpack, and was as text: "+eachAnother)
	add[[]string, []string]("from a string to a list", text2(), []string{"a"}, codec.List(codec.Text[string]()), []string{"a"}, "the Redis type is list, and was string: "+eachBroken)
	add[[]string, map[string]struct{}]("from a list to a set", codec.List(codec.Text[string]()), []string{"a"}, codec.Set(codec.Text[string]()), map[string]struct{}{"a": {}},
		"the Redis type is set, and was list: "+eachBroken)
	add[struct{ N int64 }, struct{ N int64 }]("another algorithm",
		codec.Compress(codec.Msgpack[struct{ N int64 }](), codec.S2, 0), struct{ N int64 }{1}, codec.Compress(codec.Msgpack[struct{ N int64 }](), codec.Zstd, 0), struct{ N int64 }{1})
	add[string, []byte]("a string that becomes bytes", codec.Text[string](), "a", codec.Bytes[[]byte](), []byte("a"),
		"the value is of type bytes, and was of type string: each version reads entries of the other")
}

func text2() codec.Codec[[]string] { return codec.JSON[[]string]() }
