/* SPDX-License-Identifier: MIT */
/* Interrupts as signals. */
#include <test.h>

#include <hwb/legacy_line.h>

using namespace Stub_runtime;

namespace
{

/* the driver's name for the card's pin: 256, and its place on the bus */
char const *const CARD_PIN = "irq_number=40, irq_trigger=0, irq_polarity=0, irq_type=0";
char const *const DISK_MESSAGE =
        "irq_number=164, device_config_phys=0x4000000000400000, bdf=0x400, irq_type=1";

void interrupt(int fd, uint64_t count = 1)
{
	must(write(fd, &count, sizeof(count)) == sizeof(count), "the device interrupts");
}

/* how often the driver acknowledged since the last time */
uint64_t acknowledged(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

void pin()
{
	Test_with_broker test;
	auto *const session = test.core.irq(CARD_PIN);
	Core::Signal_context_capability const sigh = signal_context();

	must(session != nullptr, "the device is found by its number");
	must(test.broker.times("acquire") == 0, "and left alone until there is a handler");
	session->sigh(sigh);
	must(test.broker.saw("acquire card without a domain\nirq of type 1, 1 of card, enabled\n"),
	     "then it is acquired, and its pin opened and enabled");
	must(session->info().type == Core::Irq_session::Info::INVALID, "not a message");

	for (unsigned i = 0; i < 3; i++) {
		interrupt(test.broker.trigger(Stub_broker::CARD));
		must(take_signals(sigh) == 1, "an interrupt is a signal");
		session->ack_irq();
		must(acknowledged(test.broker.unmask(Stub_broker::CARD)) == 1, "and unmasked");
	}
	must(test.broker.times("IRQ_ACK") == 0, "without the broker");

	test.core.close(session);
	test.must_have_open(0);
	must(test.broker.saw("close irq\nclose device\n"), "all is given back");
}

void message()
{
	Test_with_broker test;
	auto *const session = test.core.irq(DISK_MESSAGE);
	Core::Signal_context_capability const sigh = signal_context(), other = signal_context();

	must(session != nullptr, "the device is found by its configuration space");
	session->sigh(sigh);
	must(test.broker.saw("irq of type 2, 1 of disk, enabled"), "a message");
	interrupt(test.broker.trigger(Stub_broker::DISK), 5);
	must(take_signals(sigh) == 5, "as many as came");
	session->ack_irq();
	must(acknowledged(test.broker.unmask(Stub_broker::DISK)) == 0, "which needs no unmasking");

	session->sigh(other);
	interrupt(test.broker.trigger(Stub_broker::DISK));
	must(take_signals(other) == 1, "another handler takes over");
	must(test.broker.times("irq of type") == 1, "of the same interrupt");
	session->sigh({});
	interrupt(test.broker.trigger(Stub_broker::DISK));
	usleep(50000);
	must(signals(sigh) == 0 && signals(other) == 0, "without a handler nobody is told");
	test.core.close(session);
	test.must_have_open(0);
}

void unknown()
{
	Test_with_broker test;

	must(!test.core.irq("irq_number=16, irq_type=0"), "the machine has 16 lines");
	must(!test.core.irq("irq_number=-1, irq_type=0"), "no number");
	must(!test.core.irq("irq_number=5, device_config_phys=0x4000000000420000, irq_type=1"),
	     "no device there");
	must(logged("none of the devices has these interrupt") == 3, "says so");
}

/* the keyboard's is the host's, so its driver looks at the keyboard from time to time */
void legacy_line()
{
	Test_core core;
	auto *const session = core.irq("irq_number=1, irq_type=0"),
	            *const second = core.irq("irq_number=1, irq_type=0");
	Core::Signal_context_capability const sigh = signal_context(), other = signal_context();

	must(session && second, "there is a line, without a broker, too");
	session->sigh(sigh);
	second->sigh(other);
	for (unsigned i = 0; i < 3; i++) {
		must(take_signals(sigh) >= 1, "it is a signal, again and again");
		session->ack_irq();
	}
	must(take_signals(other) >= 1, "for two devices on one line, too");
	session->sigh(sigh);
	core.close(session);
	take_signals(other);
	must(take_signals(other) >= 1, "and for the other when one is closed");
	core.close(second);

	unsigned const many = Core::Hwb::Legacy_line::USERS;
	Core::Irq_session_component *sessions[many], *next = core.irq("irq_number=4, irq_type=0");
	for (auto *&one : sessions) {
		one = core.irq("irq_number=4, irq_type=0");
		one->sigh(other);
	}
	next->sigh(sigh);
	usleep(50000);
	must(signals(sigh) == 0, "for some at a time");
	core.close(sessions[0]);
	next->sigh(sigh);
	must(take_signals(sigh) >= 1, "and then for the next");
	core.close(next);
	for (unsigned i = 1; i < many; i++)
		core.close(sessions[i]);
}

/* if the policy gives the line, it is as the policy says */
void line_of_the_broker()
{
	Test_with_broker test;
	auto *const session = test.core.irq("irq_number=4, irq_type=0"),
	            *const second = test.core.irq("irq_number=4, irq_type=0");
	Core::Signal_context_capability const sigh = signal_context(), other = signal_context();

	session->sigh(sigh);
	must(waits_for_log("line 4: the interrupts of a UIO device"), "says what it is");
	test.must_have_open(1);
	interrupt(test.broker.trigger(Stub_broker::LINE), 3);
	must(take_signals(sigh) == 3, "as many as came");
	usleep(50000);
	must(signals(sigh) == 0, "and no clock");
	session->ack_irq();
	must(acknowledged(test.broker.unmask(Stub_broker::LINE)) == 1, "and unmasked");

	second->sigh(other);
	must(waits_for_log("line 4: the test says no (BUSY)"), "one has it");
	must(take_signals(other) >= 1, "and another on the same line looks by a clock");
	test.core.close(session);
	must(test.broker.saw("close line"), "it is given back");
	test.core.close(second);
	test.must_have_open(0);

	auto *const polled = test.core.irq("irq_number=1, irq_type=0");
	polled->sigh(sigh);
	must(waits_for_log("line 1: its driver looks 1 times a second"), "says how often");
	interrupt(test.broker.trigger(Stub_broker::LINE), 2);
	must(take_signals(sigh) == 2, "the broker's clock");
	usleep(50000);
	must(signals(sigh) == 0, "and not ours");
	polled->ack_irq();
	test.core.close(polled);
	test.must_have_open(0);

	auto *const denied = test.core.irq("irq_number=12, irq_type=0");
	denied->sigh(sigh);
	must(waits_for_log("line 12: the test says no (DENIED): its driver looks 100 times"),
	     "says so");
	must(take_signals(sigh) >= 1, "without a rule there is a clock, too");
	test.core.close(denied);
	test.must_have_open(0);
}

struct Closing {
	Test_core &core;
	Core::Irq_session_component *session;
	bool closed;
};

void *close_session(void *context)
{
	Closing *const closing = static_cast<Closing *>(context);

	closing->core.close(closing->session);
	__atomic_store_n(&closing->closed, true, __ATOMIC_RELEASE);
	return nullptr;
}

void closed_before_the_line_is_there()
{
	Test_with_broker test;
	auto *const session = test.core.irq("irq_number=4, irq_type=0");
	Closing closing{ test.core, session, false };
	pthread_t thread;

	test.broker.hold(HWB_IRQ_OPEN_NUMBER);
	session->sigh(signal_context());
	must(test.broker.saw("line 4"), "the broker still works on it");
	pthread_create(&thread, nullptr, close_session, &closing);
	usleep(50000);
	must(!__atomic_load_n(&closing.closed, __ATOMIC_ACQUIRE), "the session waits for it");
	test.broker.go_on();
	pthread_join(thread, nullptr);
	test.must_have_open(0);
	must(test.broker.saw("close line"), "it is given back");
}

void refused()
{
	Test_with_broker test;
	auto *const session = test.core.irq(DISK_MESSAGE);
	Core::Signal_context_capability const sigh = signal_context();

	test.broker.refuse(HWB_IRQ_OPEN, HWB_UNSUPPORTED);
	session->sigh(sigh);
	must(waits_for_log("interrupt: the test says no (UNSUPPORTED)"), "says why");
	session->ack_irq();
	test.must_have_open(0);
	session->sigh(sigh);
	must_become([&] { return test.broker.times("irq of type") == 2; }, "it is asked for again");
	interrupt(test.broker.trigger(Stub_broker::DISK));
	must(take_signals(sigh) == 1, "the next handler asks again");
	test.core.close(session);
	test.must_have_open(0);
}

/* a device has one interrupt at a time at the broker */
void again_and_again()
{
	Test_with_broker test;
	Core::Signal_context_capability const sigh = signal_context();
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	int const before = dup(0);
	::close(before);

	must(registers->dataspace().valid(), "the device is in use");
	for (unsigned i = 0; i < 50; i++) {
		auto *const session = test.core.irq(DISK_MESSAGE);
		session->sigh(sigh);
		must_become([&] { return test.broker.times("irq of type") == i + 1; },
		            "it is asked for each time");
		interrupt(test.broker.trigger(Stub_broker::DISK));
		must(take_signals(sigh) == 1, "it works each time");
		test.core.close(session);
		::close(test.broker.trigger(Stub_broker::DISK));
		::close(test.broker.unmask(Stub_broker::DISK));
	}
	must(logged("Error") == 0, "and the broker refuses none");
	test.core.close(registers);
	test.must_have_open(0);
	int const after = dup(0);
	must(after == before, "no descriptor is left");
}

/* the entrypoint of interrupts serves all devices */
void slow_device()
{
	Test_with_broker test;
	auto *const session = test.core.irq(CARD_PIN), *const other = test.core.irq(DISK_MESSAGE);
	Core::Signal_context_capability const sigh = signal_context(), others = signal_context();

	test.broker.hold(HWB_DEVICE_ACQUIRE);
	session->sigh(sigh);
	must(test.broker.saw("acquire card"), "the broker still works on it");
	session->ack_irq();
	test.core.close(session);
	test.broker.go_on();
	test.must_have_open(0);
	must(test.broker.times("irq") == 0, "a session that is over opens nothing");

	other->sigh(others);
	must(test.broker.saw("irq of type 2, 1 of disk"), "others go on");
	interrupt(test.broker.trigger(Stub_broker::DISK));
	must(take_signals(others) == 1, "others go on");
	test.core.close(other);
	test.must_have_open(0);
}

/* the answer has descriptors, which belong to the session */
void closed_before_open()
{
	Test_with_broker test;
	Closing closing{ test.core, test.core.irq(DISK_MESSAGE), false };
	int const before = dup(0);
	::close(before);
	pthread_t thread;

	test.broker.hold(HWB_IRQ_OPEN);
	closing.session->sigh(signal_context());
	must(test.broker.saw("irq of type 2"), "the broker still works on it");
	pthread_create(&thread, nullptr, close_session, &closing);
	usleep(50000);
	must(!__atomic_load_n(&closing.closed, __ATOMIC_ACQUIRE), "the session waits for it");
	test.broker.go_on();
	pthread_join(thread, nullptr);
	test.must_have_open(0);
	must(test.broker.saw("close irq\nclose device\n"), "all is given back");
	::close(test.broker.trigger(Stub_broker::DISK));
	::close(test.broker.unmask(Stub_broker::DISK));
	int const after = dup(0);
	must(after == before, "no descriptor is left");
}

void device_refused()
{
	Test_with_broker test;
	auto *const session = test.core.irq(CARD_PIN);

	test.broker.refuse(HWB_DEVICE_ACQUIRE, HWB_BUSY);
	session->sigh(signal_context());
	must(waits_for_log("device: the test says no (BUSY)"), "says why");
	test.settle();
	test.core.close(session);
	test.must_have_open(0);
	must(test.broker.times("irq") == 0, "there is no interrupt then");
}

} // namespace

Test const irq_tests[] = {
	{ "an interrupt by number", pin },
	{ "an interrupt by message", message },
	{ "an interrupt that no device has", unknown },
	{ "an interrupt of the machine's own", legacy_line },
	{ "an interrupt line of the broker's", line_of_the_broker },
	{ "an interrupt line that is closed as it opens", closed_before_the_line_is_there },
	{ "an interrupt that the broker refuses", refused },
	{ "an interrupt opened again and again", again_and_again },
	{ "an interrupt of a slow device", slow_device },
	{ "an interrupt closed before it is open", closed_before_open },
	{ "an interrupt of a device that the broker refuses", device_refused },
	{ nullptr, nullptr },
};
