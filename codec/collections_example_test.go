package codec_test

import (
	"fmt"

	"github.com/asidecache/aside/codec"
)

// print prints what a key of a list, set or sorted set holds.
func print[V any](c codec.Codec[V], v V) {
	var w codec.Wire
	w.Reset("k")
	if err := c.Encode(&w, &v); err != nil {
		fmt.Println(err)
		return
	}
	for i := range w.Len() {
		fmt.Printf("%s%s;", w.Value(i), w.Name(i))
	}
	fmt.Println()
}

func ExampleList() {
	print(codec.List(codec.Text[int]()), []int{30, 10, 30})
	type user struct{ Name string }
	print(codec.List(codec.JSON[user]()), []user{{"Ann"}, {"Bob"}})
	// Output:
	// 30;10;30;
	// {"Name":"Ann"};{"Name":"Bob"};
}

func ExampleSet() {
	print(codec.Set(codec.Text[string]()), map[string]struct{}{"red": {}, "blue": {}})
	print(codec.Set(codec.JSON[any]()), map[any]struct{}{1: {}, 1.0: {}})
	// Output:
	// blue;red;
	// codec: two elements of the set have the same bytes, which Redis would take for one
}

func ExampleSortedSet() {
	print(codec.SortedSet(codec.Text[string]()), []codec.Scored[string]{
		{Elem: "ann:", Score: 12.5}, {Elem: "bob:", Score: -1}, {Elem: "cid:", Score: 12.5},
	})
	// Output: bob:-1;ann:12.5;cid:12.5;
}
