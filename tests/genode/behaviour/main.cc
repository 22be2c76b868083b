/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <test.h>

class Core::Trace::Source_registry
{
};

class Core::Mapped_ram_allocator
{
};

/* core.cc */
void stub_core(Core::Runtime &, Core::Rpc_entrypoint &, Core::Sliced_heap &,
               Core::Registry<Core::Service> &, Core::Range_allocator &, Core::Range_allocator &,
               Core::Range_allocator &, Core::Range_allocator &, Core::Trace::Source_registry &,
               Core::Ram_allocator &, Core::Mapped_ram_allocator &, Core::Local_rm &);

char const *broker_path;

namespace
{

Stub_broker *broker_of_test;

/* base-linux has no ranges: whoever uses this allocator there is stopped */
struct Dummy_allocator : Core::Range_allocator {
	void *stub_alloc(Core::size_t) override
	{
		must(false, "core's dummy allocators are left alone");
		return nullptr;
	}

	void free(void *, Core::size_t) override
	{
		must(false, "core's dummy allocators are left alone");
	}

	Core::size_t avail() const override
	{
		must(false, "core's dummy allocators are left alone");
		return 0;
	}
} dummy;

struct : Core::Ram_allocator {
	void stub_ram() override
	{
	}
} ram;

struct : Core::Local_rm {
	void stub_map() override
	{
	}
} local_rm;

Core::Sliced_heap sliced_heap{ ram, local_rm };
Core::Trace::Source_registry traces;
Core::Mapped_ram_allocator mapped_ram;

int run(Test const &test)
{
	char folder[] = "/tmp/test_genode-XXXXXX";
	char path[64];
	int status = 0;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	broker_path = Stub_runtime::socket_path = path;
	fflush(stdout);

	pid_t const child = fork();
	if (child == 0) {
		alarm(120);
		test.run();
		_exit(0);
	}
	waitpid(child, &status, 0);
	unlink(path);
	rmdir(folder);
	printf("%s %s\n", status == 0 ? "ok" : "not ok", test.name);
	if (WIFSIGNALED(status))
		printf("    ended by signal %d\n", WTERMSIG(status));
	return status != 0;
}

} // namespace

void must(bool condition, char const *what)
{
	if (condition)
		return;
	printf("    does not hold: %s\n    log:\n", what);
	Stub_runtime::print_log();
	if (broker_of_test)
		broker_of_test->print_requests();
	fflush(stdout);
	_exit(1);
}

Test_core::Test_core() : heap(sliced_heap)
{
	stub_core(runtime, ep, heap, services, dummy, dummy, dummy, dummy, traces, ram, mapped_ram,
	          local_rm);
}

static Stub_broker &new_broker(void (*prepare)(Stub_broker &))
{
	broker_of_test = new Stub_broker(broker_path);
	if (prepare)
		prepare(*broker_of_test);
	return *broker_of_test;
}

Test_with_broker::Test_with_broker() : Test_with_broker(nullptr)
{
}

Test_with_broker::Test_with_broker(void (*prepare)(Stub_broker &)) : broker(new_broker(prepare))
{
}

void Test_with_broker::settle()
{
	must(hwb_ping(&Core::Hwb::broker().client(), nullptr) == 0, "the connection works");
}

void Test_with_broker::must_have_open(unsigned handles)
{
	must_become([&] { return broker.open_handles() == handles; },
	            "as many handles are open at the broker as are in use");
	settle();
	must(broker.open_handles() == handles, "and it stays so");
}

Test_ram::Test_ram(Test_core &core, unsigned long size) : factory(core.ep), cap()
{
	factory.alloc_ram(size, Core::CACHED)
	        .with_result([&](Core::Ram_dataspace_capability ds) { cap = ds; },
	                     [&](Core::Alloc_error) { must(false, "there is RAM"); });
}

/* behaviour [PART OF A NAME] */
int main(int argc, char **argv)
{
	int failed = 0, done = 0;

	signal(SIGPIPE, SIG_DFL);
	static Test const *const parts[] = { broker_tests, list_tests, io_mem_tests,
		                             irq_tests,    port_tests, native_port_tests,
		                             pd_tests };
	for (Test const *test : parts)
		for (; test->name; test++)
			if (argc < 2 || strstr(test->name, argv[1])) {
				failed |= run(*test);
				done++;
			}
	return failed || !done;
}
