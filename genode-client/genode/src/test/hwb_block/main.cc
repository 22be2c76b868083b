/* SPDX-License-Identifier: MIT */
/*
 * Data that goes to a disk and comes back, which Genode's block_tester does not look
 * at. Each 16 bytes are a line of text that says where on the disk it is, so that
 * others can check it, too: byte 32 to 47 are "hwb 00000000002\n". Overwrites the
 * disk, from its start.
 */
#include <base/allocator_avl.h>
#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/heap.h>
#include <base/log.h>
#include <block_session/connection.h>
#include <timer_session/connection.h>

using namespace Genode;

namespace {

	enum { LINE = 16, DIGITS = 11, CHUNK = 64*1024, AT_ONCE = 8, BUFFER = 2*AT_ONCE*CHUNK };

	struct Job : Block::Connection<Job>::Job
	{
		uint64_t const start; /* byte on the disk */

		Job(Block::Connection<Job> &block, Block::Operation operation, uint64_t start)
		: Block::Connection<Job>::Job(block, operation), start(start) { }
	};

	/* "hwb ", the line's number in hexadecimal, a line feed */
	void line_at(uint64_t number, char *line)
	{
		memcpy(line, "hwb ", 4);
		for (unsigned i = 0; i < DIGITS; i++)
			line[4 + i] = "0123456789abcdef"[number >> 4*(DIGITS - 1 - i) & 0xf];
		line[LINE - 1] = '\n';
	}
}


struct Main
{
	Env &_env;

	Attached_rom_dataspace _config { _env, "config" };

	Heap                        _heap  { _env.ram(), _env.rm() };
	Allocator_avl               _alloc { &_heap };
	Timer::Connection           _timer { _env };
	Block::Connection<Job>      _block { _env, &_alloc, BUFFER };
	Block::Session::Info  const _info  { _block.info() };

	size_t   const _length { _config.node().attribute_value("length", Number_of_bytes(32 << 20)) };
	uint64_t const _bytes  { min(uint64_t(_length), _info.block_count * _info.block_size)
	                         / CHUNK * CHUNK };

	Signal_handler<Main> _handler { _env.ep(), *this, &Main::_progress };

	Constructible<Job>    _jobs[AT_ONCE] { };
	Block::Operation::Type _type = Block::Operation::Type::WRITE;
	uint64_t _next = 0, _done = 0, _began_us = 0, _wrong = 0, _failed = 0;

	void _begin(Block::Operation::Type type)
	{
		_type     = type;
		_next     = _done = 0;
		_began_us = _timer.elapsed_us();
	}

	void _fill_up()
	{
		for (Constructible<Job> &job : _jobs) {

			if (job.constructed() || _next == _bytes)
				continue;

			job.construct(_block,
			              Block::Operation { .type         = _type,
			                                 .block_number = _next / _info.block_size,
			                                 .count        = CHUNK / _info.block_size },
			              _next);
			_next += CHUNK;
		}
	}

	void _report(char const *what) const
	{
		uint64_t const us = max(_timer.elapsed_us() - _began_us, uint64_t(1));

		log(what, ": ", _bytes >> 20, " MiB in ", us / 1000, " ms, ",
		    (_bytes * 1000000 / us) >> 10, " KiB/s, ", _failed, " requests failed");
	}

	void _progress()
	{
		using Type = Block::Operation::Type;

		do {
			_fill_up();
		} while (_block.update_jobs(*this));

		if (_done < _bytes)
			return;

		if (_type == Type::WRITE) {
			_report("written");
			_begin(Type::READ);
			_progress();
		} else if (_type == Type::READ) {
			_report("read");
			log(_wrong, " of ", _bytes / LINE, " lines are wrong");
			_type = Type::SYNC;
			log("hwb_block test done");
		}
	}

	/* called by update_jobs() */
	void produce_write_content(Job &job, Block::off_t offset, char *to, size_t length)
	{
		for (size_t i = 0; i < length; i += LINE)
			line_at((job.start + uint64_t(offset) + i) / LINE, to + i);
	}

	void consume_read_result(Job &job, Block::off_t offset, char const *from, size_t length)
	{
		for (size_t i = 0; i < length; i += LINE) {
			char expected[LINE];
			line_at((job.start + uint64_t(offset) + i) / LINE, expected);
			_wrong += memcmp(expected, from + i, LINE) != 0;
		}
	}

	void completed(Job &job, bool success)
	{
		_failed += !success;
		_done   += CHUNK;

		for (Constructible<Job> &place : _jobs)
			if (place.constructed() && &*place == &job)
				place.destruct();
	}

	Main(Env &env) : _env(env)
	{
		log(_info.block_count, " blocks of ", _info.block_size, " bytes");
		_block.sigh(_handler);
		_begin(Block::Operation::Type::WRITE);
		_progress();
	}
};


void Component::construct(Env &env) { static Main main { env }; }
