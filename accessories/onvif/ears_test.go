package onvif

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

// TestABellGoneWild: a camera that rings by the thousand, which each ring's storing, recording and telling
// would carry on to everybody, is heard twice a second.
func TestABellGoneWild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rings := 0
		e := newEars("", time.Minute, time.Now, func(r trait.Reading) error {
			if on, ok := trait.Doorbell.In(r); ok && on {
				rings++
			}
			return nil
		}, func(string, ...any) {})
		press := func(n int, down bool) {
			text := fmt.Sprintf(`<NotificationMessage><Topic>tns1:Device/Doorbell</Topic><Message><Message UtcTime="%d" PropertyOperation="Changed">`+
				`<Source><SimpleItem Name="s" Value="%d"/></Source><Data><SimpleItem Name="State" Value="%t"/></Data></Message></Message></NotificationMessage>`, n, n%7, down)
			message, err := parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			e.take(message)
		}
		for n := range 10_000 {
			press(n, n%2 == 0)
			<-time.After(time.Millisecond)
		}
		if rings < 2 || rings > 21 {
			t.Errorf("%d rings in ten seconds", rings)
		}
	})
}
