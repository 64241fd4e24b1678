package vault

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// Effort is how long one try at a password should take: long for whoever tries
// many, bearable for whoever knows it.
const Effort = time.Second

// calibrate measures what a try of about the given length costs on this
// machine: memory first, because it is what hurts a guesser's hardware, then
// passes. The floor holds however slow the machine is, and no try takes more
// than a quarter of its memory.
func calibrate(dir string, effort time.Duration) (cost, error) {
	if effort <= 0 {
		return floor, nil
	}
	begin := time.Now()
	if _, err := stretch(dir, "a password to measure with", make([]byte, saltSize), floor); err != nil {
		return cost{}, err
	}
	return floor.scale(time.Since(begin), effort, memoryKiB()/4), nil
}

// scale gives the cost that takes about effort where c takes took; room is in
// KiB.
func (c cost) scale(took, effort time.Duration, room uint64) cost {
	times := float64(effort) / float64(max(took, time.Millisecond))
	most := max(uint64(c.MKiB), min(uint64(ceiling.MKiB), room))
	const step = 1 << 10 // whole MiB
	scaled := c
	scaled.MKiB = uint32(max(float64(c.MKiB), min(float64(most), float64(c.MKiB)*times))) / step * step
	left := times * float64(c.MKiB) / float64(scaled.MKiB)
	scaled.T = uint32(max(float64(c.T), min(float64(ceiling.T), float64(c.T)*left)))
	return scaled
}

// memoryKiB is how much memory the machine has, KiB; 0 where it does not say,
// which leaves it at the floor.
func memoryKiB() uint64 {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(raw) {
		fields := bytes.Fields(line)
		if len(fields) > 1 && string(fields[0]) == "MemTotal:" {
			n, err := strconv.ParseUint(string(fields[1]), 10, 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
