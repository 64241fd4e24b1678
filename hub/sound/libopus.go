package sound

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// What the hub calls in libopus (opus.h of Opus 1.x; its interface 0 has not changed since 2012).
typedef struct {
	void *handle;
	void *(*encoder_create)(int32_t rate, int channels, int application, int *error);
	int (*encoder_ctl)(void *encoder, int request, ...);
	int32_t (*encode)(void *encoder, const int16_t *pcm, int samples, unsigned char *out, int32_t most);
	void (*encoder_destroy)(void *encoder);
	void *(*decoder_create)(int32_t rate, int channels, int *error);
	int (*decode)(void *decoder, const unsigned char *in, int32_t n, int16_t *pcm, int samples, int fec);
	void (*decoder_destroy)(void *decoder);
} ingle_opus;

static int ingle_opus_open(ingle_opus *o, const char *name) {
	o->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!o->handle)
		return 0;
	*(void **)&o->encoder_create = dlsym(o->handle, "opus_encoder_create");
	*(void **)&o->encoder_ctl = dlsym(o->handle, "opus_encoder_ctl");
	*(void **)&o->encode = dlsym(o->handle, "opus_encode");
	*(void **)&o->encoder_destroy = dlsym(o->handle, "opus_encoder_destroy");
	*(void **)&o->decoder_create = dlsym(o->handle, "opus_decoder_create");
	*(void **)&o->decode = dlsym(o->handle, "opus_decode");
	*(void **)&o->decoder_destroy = dlsym(o->handle, "opus_decoder_destroy");
	if (o->encoder_create && o->encoder_ctl && o->encode && o->encoder_destroy && o->decoder_create && o->decode && o->decoder_destroy)
		return 1;
	dlclose(o->handle);
	o->handle = NULL;
	return 0;
}

static void ingle_opus_close(ingle_opus *o) { dlclose(o->handle); }
static void *ingle_opus_encoder(ingle_opus *o, int32_t rate, int application, int *error) {
	return o->encoder_create(rate, 1, application, error);
}
static int ingle_opus_set(ingle_opus *o, void *encoder, int request, int32_t value) {
	return o->encoder_ctl(encoder, request, value);
}
static int32_t ingle_opus_encode(ingle_opus *o, void *encoder, const int16_t *pcm, int samples, unsigned char *out, int32_t most) {
	return o->encode(encoder, pcm, samples, out, most);
}
static void ingle_opus_encoder_free(ingle_opus *o, void *encoder) { o->encoder_destroy(encoder); }
static void *ingle_opus_decoder(ingle_opus *o, int32_t rate, int *error) { return o->decoder_create(rate, 1, error); }
static int ingle_opus_decode(ingle_opus *o, void *decoder, const unsigned char *in, int32_t n, int16_t *pcm, int samples) {
	return o->decode(decoder, in, n, pcm, samples, 0);
}
static void ingle_opus_decoder_free(ingle_opus *o, void *decoder) { o->decoder_destroy(decoder); }
*/
import "C"

import (
	"errors"
	"fmt"
	"time"
	"unsafe"
)

// libopus is opened when a sound first needs it, not linked: docs/adr/0013 says why.
const libopus = "libopus.so.0"

// ErrNoLibopus means that a sound cannot be made or understood until libopus is installed.
var ErrNoLibopus = errors.New("sound needs libopus (Debian's libopus0), which is not installed")

// Requests to the encoder and their values (opus_defines.h).
const (
	applicationVoice    = 2048
	applicationLowDelay = 2051
	setBitrate          = 4002
	setBandwidth        = 4008
	setComplexity       = 4010
	bandwidth8kHz       = 1103 // of 16 kHz sampled
	bandwidth12kHz      = 1104 // of 24 kHz sampled
)

// complexity, of 0 to 10, is what a Raspberry Pi does easily for several streams.
const complexity = 5

// openLibopus loads the library, or counts one more user of it.
func openLibopus(name string) (*C.ingle_opus, error) {
	called := C.CString(name)
	defer C.free(unsafe.Pointer(called))
	lib := (*C.ingle_opus)(C.calloc(1, C.sizeof_ingle_opus))
	if C.ingle_opus_open(lib, called) == 0 {
		C.free(unsafe.Pointer(lib))
		return nil, ErrNoLibopus
	}
	return lib, nil
}

func closeLibopus(lib *C.ingle_opus) {
	C.ingle_opus_close(lib)
	C.free(unsafe.Pointer(lib))
}

// opusEncoder makes Opus frames of mono sound. It is for one goroutine and must be closed.
type opusEncoder struct {
	lib   *C.ingle_opus
	state unsafe.Pointer
	out   [4 << 10]byte // the longest packet, 60 ms of the highest rate, has less
}

// newOpusEncoder makes one for frames of a length, at a bit rate in bits a second.
func newOpusEncoder(f Format, frame time.Duration) (*opusEncoder, error) {
	lib, err := openLibopus(libopus)
	if err != nil {
		return nil, err
	}
	application := applicationVoice
	settings := [][2]int{{setBitrate, f.bitrate()}, {setComplexity, complexity}}
	if frame < f.PacketTime {
		// Frames that are joined must be of one configuration: one mode, which the low delay's is, and one band.
		application = applicationLowDelay
		band := bandwidth8kHz
		if f.Rate > 16000 {
			band = bandwidth12kHz
		}
		settings = append(settings, [2]int{setBandwidth, band})
	}
	var code C.int
	e := &opusEncoder{lib: lib}
	e.state = C.ingle_opus_encoder(lib, C.int32_t(f.Rate), C.int(application), &code)
	if e.state == nil {
		closeLibopus(lib)
		return nil, fmt.Errorf("sound: libopus makes no encoder: error %d", code)
	}
	for _, s := range settings {
		if err := e.set(s[0], s[1]); err != nil {
			e.close()
			return nil, err
		}
	}
	return e, nil
}

func (e *opusEncoder) set(request, value int) error {
	if code := C.ingle_opus_set(e.lib, e.state, C.int(request), C.int32_t(value)); code != 0 {
		return fmt.Errorf("sound: libopus refuses setting %d: error %d", request, code)
	}
	return nil
}

// encode gives a packet for a frame of samples. The packet is valid until the next call.
func (e *opusEncoder) encode(pcm []int16) ([]byte, error) {
	n := C.ingle_opus_encode(e.lib, e.state, (*C.int16_t)(unsafe.Pointer(unsafe.SliceData(pcm))), C.int(len(pcm)),
		(*C.uchar)(unsafe.Pointer(&e.out[0])), C.int32_t(len(e.out)))
	if n <= 0 {
		return nil, fmt.Errorf("sound: libopus does not encode %d samples: error %d", len(pcm), n)
	}
	return e.out[:n], nil
}

func (e *opusEncoder) close() {
	C.ingle_opus_encoder_free(e.lib, e.state)
	closeLibopus(e.lib)
}

// opusDecoder makes mono samples of Opus packets, whatever their channels. It is for one goroutine and
// must be closed.
type opusDecoder struct {
	lib   *C.ingle_opus
	state unsafe.Pointer
	pcm   []int16 // room for the longest packet
}

// newOpusDecoder makes one that gives samples at a rate of 8, 12, 16, 24 or 48 kHz.
func newOpusDecoder(rate int) (*opusDecoder, error) {
	lib, err := openLibopus(libopus)
	if err != nil {
		return nil, err
	}
	var code C.int
	d := &opusDecoder{lib: lib, pcm: make([]int16, samplesIn(maxDuration, rate))}
	if d.state = C.ingle_opus_decoder(lib, C.int32_t(rate), &code); d.state == nil {
		closeLibopus(lib)
		return nil, fmt.Errorf("sound: libopus makes no decoder: error %d", code)
	}
	return d, nil
}

// decode gives a packet's samples, valid until the next call. The packet must be a valid one.
func (d *opusDecoder) decode(b []byte) ([]int16, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty", errPacket)
	}
	return d.call((*C.uchar)(unsafe.Pointer(&b[0])), len(b), len(d.pcm))
}

// conceal makes up samples for a lost packet.
func (d *opusDecoder) conceal(samples int) ([]int16, error) {
	return d.call(nil, 0, min(samples, len(d.pcm)))
}

func (d *opusDecoder) call(b *C.uchar, size, most int) ([]int16, error) {
	n := C.ingle_opus_decode(d.lib, d.state, b, C.int32_t(size), (*C.int16_t)(unsafe.Pointer(&d.pcm[0])), C.int(most))
	if n < 0 {
		return nil, fmt.Errorf("sound: libopus does not decode %d bytes: error %d", size, n)
	}
	return d.pcm[:n], nil
}

func (d *opusDecoder) close() {
	C.ingle_opus_decoder_free(d.lib, d.state)
	closeLibopus(d.lib)
}
