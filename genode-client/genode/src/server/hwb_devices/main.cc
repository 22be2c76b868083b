/* SPDX-License-Identifier: MIT */
/*
 * Serves the ROM module `devices' for Genode's platform driver, and tells of
 * changes: a device arrived or went, or the broker's policy has changed.
 */
#include <base/attached_io_mem_dataspace.h>
#include <base/component.h>
#include <base/heap.h>
#include <base/log.h>
#include <base/registry.h>
#include <irq_session/connection.h>
#include <os/dynamic_rom_session.h>
#include <root/component.h>

#include <hwb/devices_rom.h>

namespace Hwb_devices {

	using namespace Genode;
	namespace Rom = Hwb_devices_rom;

	struct Content;
	struct Session;
	struct Root;
	struct Main;
}


/* the list as core has it now */
struct Hwb_devices::Content : Dynamic_rom_session::Content_producer
{
	Env &_env;

	static size_t _length_of_text(char const *text, size_t size)
	{
		size_t length = 0;
		while (length < size && text[length])
			length++;
		return length;
	}

	static bool _complete(char const *text, size_t length)
	{
		size_t const end = strlen(Rom::END);
		return length >= end && memcmp(text + length - end, Rom::END, end) == 0;
	}

	Result produce_content(Byte_range_ptr const &dst) override
	{
		for (size_t size = 16*1024; ; size *= 2) {

			Attached_io_mem_dataspace list { _env, Rom::ADDRESS, size };

			char const * const text   = list.local_addr<char>();
			size_t       const length = _length_of_text(text, size);

			if (!_complete(text, length) && size < Rom::MAX_SIZE)
				continue;

			if (length >= dst.num_bytes)
				return Buffer_error::EXCEEDED;

			bzero(dst.start, dst.num_bytes);
			memcpy(dst.start, text, length);
			return Ok();
		}
	}

	Content(Env &env) : _env(env) { }
};


struct Hwb_devices::Session : Dynamic_rom_session
{
	Registry<Session>::Element _element;

	Session(Registry<Session> &registry, Env &env, Content &content)
	:
		Dynamic_rom_session(env.ep(), env.ram(), env.rm(), content),
		_element(registry, *this)
	{ }
};


struct Hwb_devices::Root : Root_component<Session>
{
	Env               &_env;
	Registry<Session> &_sessions;
	Content           &_content;

	Create_result _create_session(char const *args) override
	{
		Session_label const label = label_from_args(args);

		if (label.last_element() != "devices") {
			error("there is no ROM module \"", label.last_element(), "\", only \"devices\"");
			return Create_error::DENIED;
		}
		return _alloc_obj(_sessions, _env, _content);
	}

	Root(Env &env, Allocator &alloc, Registry<Session> &sessions, Content &content)
	:
		Root_component<Session>(env.ep(), alloc),
		_env(env), _sessions(sessions), _content(content)
	{ }
};


struct Hwb_devices::Main
{
	Env &_env;

	Sliced_heap       _heap     { _env.ram(), _env.rm() };
	Content           _content  { _env };
	Registry<Session> _sessions { };
	Root              _root     { _env, _heap, _sessions, _content };

	Irq_connection       _changes { _env, "hwb_devices", Rom::ADDRESS, Irq_session::TYPE_MSI };
	Signal_handler<Main> _changed { _env.ep(), *this, &Main::_handle_change };

	void _handle_change()
	{
		_changes.ack_irq();
		_sessions.for_each([&] (Session &session) { session.trigger_update(); });
	}

	Main(Env &env) : _env(env)
	{
		_changes.sigh(_changed);
		_env.parent().announce(_env.ep().manage(_root));
	}
};


void Component::construct(Genode::Env &env) { static Hwb_devices::Main main { env }; }
